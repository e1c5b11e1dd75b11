// Prompt and continuation of one sequence, and a batch of eight against one: for any model file.
import { Rng } from '../../base/rng.ts';
import type { EnginePolicy } from '../../engine/policy.ts';
import type { Activations } from '../../engine/step-layer.ts';
import type { Gpu } from '../../gpu/device.ts';
import { alone, type Bench, interleaved, type Measured } from './bench.ts';
import { decodeRate } from './decode.ts';
import { benchEngine } from './subject.ts';

const PROMPT = 128;
const TOKENS = 32;
const BATCH = 8;
const BATCH_ROUNDS = 3;
const BATCH_TOKENS = 16;

/** Milliseconds of the prompt, and of the tokens after the first, most likely ones. */
async function generateMs(
  policy: EnginePolicy,
  seed: number,
): Promise<{ prefill: number; decode: number }> {
  const { counters } = policy;
  const before = { ...counters };
  const rng = new Rng(seed);
  const ids = Array.from({ length: PROMPT }, () => rng.int(1, 200));
  const sequence = `generate-${seed}`;
  // The prompt's step gives the first token.
  await policy.generate({ ids, sequence, maxTokens: TOKENS + 1, temperature: 0, seed });
  policy.release(sequence);
  return {
    prefill: counters.prefillMs - before.prefillMs,
    decode: counters.decodeMs - before.decodeMs,
  };
}

async function measureGenerate(gpu: Gpu, model: string | null): Promise<Measured[]> {
  const timesOf = async (activations: Activations) => {
    const { policy, free } = await benchEngine(gpu, model, activations);
    await generateMs(policy, 1);
    const times = await generateMs(policy, 2);
    free();
    return times;
  };
  const { prefill, decode } = await timesOf('f32');
  const int8 = await timesOf('int8');
  return [
    alone(`prefill-${PROMPT}`, (PROMPT / prefill) * 1000, 'tokens/s'),
    alone(`decode-${TOKENS}`, (TOKENS / decode) * 1000, 'tokens/s'),
    alone(`decode-${TOKENS}-int8`, (TOKENS / int8.decode) * 1000, 'tokens/s'),
  ];
}

async function measureBatch(gpu: Gpu, model: string | null): Promise<Measured[]> {
  const { policy, free } = await benchEngine(gpu, model);
  const { first, second, ratio } = await interleaved(
    BATCH_ROUNDS,
    () => decodeRate(policy, BATCH, BATCH_TOKENS),
    () => decodeRate(policy, 1, BATCH_TOKENS),
  );
  free();
  const peer = { name: 'one sequence', value: second };
  return [{ name: `decode-batch-${BATCH}`, value: first, unit: 'tokens/s', peer, ratio }];
}

export const generate: Bench = { name: 'generate', measure: measureGenerate };
export const decodeBatch: Bench = { name: 'decode-batch', measure: measureBatch };
