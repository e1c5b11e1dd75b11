// Where the time of a step goes: its dispatches again, those of one shader at a time.
import { Rng } from '../../base/rng.ts';
import { Gpu } from '../../gpu/device.ts';
import type { Sent } from '../../gpu/device-speed.ts';
import { type CopyEntry, KernelPass, type PassEntry } from '../../gpu/pass.ts';
import { alone, type Bench, type Measured, median, timeMs } from './bench.ts';
import { benchEngine } from './subject.ts';

const PROMPT = 128;
const TOKENS = 8;
/** Sequences at once, as rollouts have them, and their prompts. */
const MANY = 64;
const LONG_PROMPT = 256;
const ROUNDS = 5;

/** Keeps what was submitted last. */
class KeepingGpu extends Gpu {
  last: readonly PassEntry[] = [];

  override submit(work: KernelPass | readonly PassEntry[], read: CopyEntry | null = null): Sent {
    this.last = work instanceof KernelPass ? work.entries : work;
    return super.submit(work, read);
  }
}

/** Milliseconds of each shader's dispatches by themselves, and of all of them. */
async function split(gpu: KeepingGpu, name: string): Promise<Measured[]> {
  const all = gpu.last;
  const groups = new Map<string, PassEntry[]>([['all', [...all]]]);
  for (const entry of all) {
    const file = entry.kind === 'dispatch' ? entry.file : entry.kind;
    groups.set(file, [...(groups.get(file) ?? []), entry]);
  }
  const rows: Measured[] = [];
  for (const [file, entries] of groups) {
    const times: number[] = [];
    for (let i = -1; i < ROUNDS; i++) {
      const ms = await timeMs(async () => {
        gpu.submit(entries);
        await gpu.idle();
      });
      if (i >= 0) times.push(ms);
    }
    rows.push(alone(`${name} ${file} x ${entries.length}`, median(times), 'ms'));
  }
  return rows;
}

async function measure(device: Gpu, path: string | null): Promise<Measured[]> {
  const gpu = new KeepingGpu(device.device, device.caps);
  const { policy, free } = await benchEngine(gpu, path);
  const rng = new Rng(5);
  const randomIds = (length: number) => Array.from({ length }, () => rng.int(1, 200));
  const ids = randomIds(PROMPT);
  const request = { ids, sequence: 'profile', temperature: 0, seed: 1 };
  await policy.generate({ ...request, maxTokens: 1 });
  const prefill = await split(gpu, `prefill-${PROMPT}`);
  await policy.generate({ ...request, maxTokens: TOKENS });
  const decode = await split(gpu, 'decode-1');
  policy.release(request.sequence);
  const prompts = Array.from({ length: MANY }, () => randomIds(LONG_PROMPT));
  const many = prompts.map((own, i) => ({ ...request, ids: own, sequence: `profile-${i}` }));
  const togetherFor = (maxTokens: number) =>
    Promise.all(many.map((one) => policy.generate({ ...one, maxTokens })));
  // What the prompts take is behind them when all decode.
  await togetherFor(1);
  await togetherFor(TOKENS);
  const together = await split(gpu, `decode-${MANY}`);
  free();
  return [...prefill, ...decode, ...together];
}

export const profile: Bench = { name: 'profile', measure };
