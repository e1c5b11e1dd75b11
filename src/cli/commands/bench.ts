// `atlas bench`: how fast this device is at what the project does, each number beside what it stands against.
import { InputError } from '../../base/errors.ts';
import { ahead } from '../bench/ahead.ts';
import { attention } from '../bench/attention.ts';
import type { Bench } from '../bench/bench.ts';
import { counts } from '../bench/counts.ts';
import { decode, decodeFloor } from '../bench/decode.ts';
import { encode } from '../bench/encode.ts';
import { episodes } from '../bench/episodes.ts';
import { decodeBatch, generate } from '../bench/generate.ts';
import { linear } from '../bench/linear.ts';
import { mask } from '../bench/mask.ts';
import { families, gemmF32, gemmQ4, matvecQ4, matvecQ4Int8 } from '../bench/matrix.ts';
import { optimiser } from '../bench/optimiser.ts';
import { profile } from '../bench/profile.ts';
import { train } from '../bench/train.ts';
import { trainMemory } from '../bench/train-memory.ts';
import { trainToy } from '../bench/train-toy.ts';
import { Flags } from '../flags.ts';
import { DEVICE_FLAGS, openNodeGpu } from '../node-gpu.ts';
import { Progress, printJson } from '../output.ts';

const BENCHES: readonly Bench[] = [
  ...[decode, decodeFloor, train, trainToy, trainMemory, optimiser, linear],
  ...[matvecQ4, matvecQ4Int8, gemmQ4, gemmF32, families, generate, decodeBatch],
  ...[ahead, attention, mask, encode, episodes, counts, profile],
];

/** The benches of the names, or all. @throws {InputError} for a name that is none. */
function chosen(names: readonly string[]): Bench[] {
  const unknown = names.find((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown !== undefined) {
    const known = BENCHES.map(({ name }) => name).join(', ');
    throw new InputError('bench', `bench: got "${unknown}", need one of ${known}`);
  }
  return BENCHES.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** The file that the benches write, or null. @throws {InputError} when there is not one of them that does. */
function outOf(flags: Flags, benches: readonly Bench[]): string | null {
  const out = flags.text('out') ?? null;
  if (out === null || (benches.length === 1 && benches[0]?.writes)) return out;
  const writers = BENCHES.filter(({ writes }) => writes).map(({ name }) => name);
  const got = flags.positionals.join(', ') || 'all';
  throw new InputError(
    'bench',
    `bench: --out: got ${got}, need one of ${writers.join(', ')} alone`,
  );
}

export async function bench(argv: readonly string[]): Promise<void> {
  const flags = new Flags('bench', argv, {
    ...{ list: 'boolean', model: 'string', out: 'string' },
    ...DEVICE_FLAGS,
  });
  const benches = chosen(flags.positionals);
  if (flags.has('list')) {
    printJson({ names: benches.map(({ name }) => name) });
    return;
  }
  const out = outOf(flags, benches);
  const gpu = await openNodeGpu(flags);
  const device = `${gpu.caps.description}, subgroup ${gpu.caps.subgroupSize}`;
  const progress = new Progress('bench');
  const rows = [];
  for (const [i, { measure }] of benches.entries()) {
    const measured = await measure(gpu, flags.text('model') ?? null, out);
    rows.push(...measured.map((row) => ({ ...row, device })));
    progress.update(i + 1, benches.length);
  }
  printJson({ rows });
  gpu.destroy();
}
