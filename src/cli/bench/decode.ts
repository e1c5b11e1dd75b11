// Decoding: tokens a second for one sequence and for sixteen, and one sequence against what its dispatches and its
// arithmetic would take by themselves on this device, in this run.
import { Rng } from '../../base/rng.ts';
import { layerMatrices, type Model } from '../../engine/model.ts';
import type { EnginePolicy } from '../../engine/policy.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { KernelPass } from '../../gpu/pass.ts';
import { encodeMatvec } from '../../kernels/matvec.ts';
import { alone, type Bench, interleaved, type Measured, median, timeMs } from './bench.ts';
import { type BenchPass, emptyPass } from './empty-pass.ts';
import { benchEngine, flopPerToken } from './subject.ts';

const ROUNDS = 5;
/** The floor and the token it is compared with take a millisecond or two: many rounds, or chance decides. */
const FLOOR_ROUNDS = 25;
const TOKENS = 48;
const PROMPT = 64;
const BATCH = 16;

/** Tokens a second of `count` sequences, without their prompts. */
export async function decodeRate(
  policy: EnginePolicy,
  count: number,
  maxTokens = TOKENS,
): Promise<number> {
  const { counters } = policy;
  const before = { tokens: counters.decodeTokens, ms: counters.decodeMs };
  const rng = new Rng(count);
  const runs = Array.from({ length: count }, async (_, i) => {
    const sequence = `bench-${i}`;
    const ids = Array.from({ length: PROMPT }, () => rng.int(1, 200));
    await policy.generate({ ids, sequence, maxTokens, temperature: 1, seed: i });
    policy.release(sequence);
  });
  await Promise.all(runs);
  return ((counters.decodeTokens - before.tokens) / (counters.decodeMs - before.ms)) * 1000;
}

async function measureDecode(gpu: Gpu): Promise<Measured[]> {
  const { policy, free } = await benchEngine(gpu);
  const { first, second, ratio } = await interleaved(
    ROUNDS,
    () => decodeRate(policy, BATCH),
    () => decodeRate(policy, 1),
  );
  free();
  const peer = { name: 'decode-1', value: second };
  return [
    alone('decode-1', second, 'tokens/s'),
    { name: `decode-${BATCH}`, value: first, unit: 'tokens/s', peer, ratio },
  ];
}

/** Mean milliseconds from submit to done, over as many submits as a timed decode has steps: load hits both alike. */
async function passMs(gpu: Gpu, pass: KernelPass): Promise<number> {
  const total = await timeMs(async () => {
    for (let i = 0; i < TOKENS; i++) {
      gpu.submit(pass);
      await gpu.idle();
    }
  });
  return total / TOKENS;
}

/** Every matrix of the model on one row, each once, in the format that decoding reads. */
function matvecPass(gpu: Gpu, model: Model): BenchPass {
  const { layers, head } = model;
  const widest = Math.max(head.N, ...layers.flatMap(({ gate, down }) => [gate.N, down.K]));
  const [x, y] = [gpu.tensor('bench.vx', [widest]), gpu.tensor('bench.vy', [widest])];
  const pass = gpu.pass();
  for (const w of [...layerMatrices(model), head]) {
    encodeMatvec(pass, { x: { ...x, shape: [1, w.K] }, w, y: { ...y, shape: [1, w.N] } });
  }
  return { pass, free: () => gpu.free(x, y) };
}

async function measureFloor(gpu: Gpu): Promise<Measured[]> {
  const { policy, decoder, model, free } = await benchEngine(gpu);
  await decodeRate(policy, 1);
  const dispatches = decoder.lastDispatches;
  const empty = emptyPass(gpu, dispatches);
  const matvec = matvecPass(gpu, model);
  const emptyMatvec = emptyPass(gpu, matvec.pass.entries.length);
  const floors: number[] = [];
  const times: number[] = [];
  for (let i = -1; i < FLOOR_ROUNDS; i++) {
    const dispatchMs = await passMs(gpu, empty.pass);
    // Without what its dispatches cost, which the first term already has.
    const arithmeticMs = (await passMs(gpu, matvec.pass)) - (await passMs(gpu, emptyMatvec.pass));
    const tokenMs = 1000 / (await decodeRate(policy, 1));
    if (i < 0) continue;
    floors.push(dispatchMs + Math.max(0, arithmeticMs));
    times.push(tokenMs);
  }
  for (const made of [empty, matvec, emptyMatvec]) made.free();
  free();
  const flop = (flopPerToken(model.config) / 1e6).toFixed(2);
  const name = `${dispatches} empty dispatches + ${flop} MFLOP of matvec`;
  const ratio = median(times.map((ms, i) => ms / (floors[i] ?? Number.NaN)));
  const peer = { name, value: median(floors) };
  return [{ name: 'decode-1-floor', value: median(times), unit: 'ms/token', peer, ratio }];
}

export const decode: Bench = { name: 'decode', measure: measureDecode };
export const decodeFloor: Bench = { name: 'decode-floor', measure: measureFloor };
