// Our engine on a model file: its tokenizer and the log-probabilities at chosen positions.
// Runs in a page and in Node; must not know where the file comes from.
import { defined } from '../../src/base/assert.ts';
import { Decoder, MAX_ROWS, MAX_SAMPLES } from '../../src/engine/decoder.ts';
import { type CachedSequence, KvCache } from '../../src/engine/kv-cache.ts';
import { loadModel } from '../../src/engine/load-model.ts';
import { freeModel } from '../../src/engine/model.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { tokenizerFromMetadata } from '../../src/tokenizer/tokenizer.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { readGguf } from '../../src/weights/gguf.ts';

const CONTEXT = 256;
const SLOTS = 16;

/** A sequence and how many of its last positions are asked for. */
export interface AskedSequence {
  readonly ids: readonly number[];
  readonly last: number;
}

/** Opens a model file. */
export async function openOwnModel(gpu: Gpu, bytes: Uint8Array<ArrayBuffer>) {
  const file = await readGguf(bytesSource(bytes));
  const model = await loadModel(gpu, file, null);
  const size = { slots: SLOTS, tokens: SLOTS * CONTEXT, context: CONTEXT };
  const decoder = new Decoder(gpu, model, new KvCache(gpu, model.config, size));
  return {
    tokenizer: tokenizerFromMetadata(file.values),
    /** For each sequence the log-probabilities (V) at each of its `last` positions. */
    async logprobs(asked: readonly AskedSequence[]): Promise<Float64Array[][]> {
      const out: Float64Array[][] = [];
      for (const batch of batches(asked)) out.push(...(await stepOf(decoder, batch)));
      return out;
    },
    close(): void {
      decoder.free();
      freeModel(gpu, model);
    },
  };
}

/** As many sequences at once as one step takes. */
function batches(asked: readonly AskedSequence[]): AskedSequence[][] {
  const out: AskedSequence[][] = [];
  let [rows, samples] = [0, 0];
  for (const one of asked) {
    rows += one.ids.length;
    samples += one.last;
    const batch = out.at(-1);
    const fits = rows <= MAX_ROWS && samples <= MAX_SAMPLES && (batch?.length ?? 0) < SLOTS;
    if (batch !== undefined && fits) {
      batch.push(one);
      continue;
    }
    out.push([one]);
    [rows, samples] = [one.ids.length, one.last];
  }
  return out;
}

async function stepOf(
  decoder: Decoder,
  batch: readonly AskedSequence[],
): Promise<Float64Array[][]> {
  const rows: { id: number; slot: number; position: number }[] = [];
  const samples: Parameters<Decoder['step']>[1][number][] = [];
  const sequences: CachedSequence[] = [];
  for (const [i, { ids, last }] of batch.entries()) {
    const sequence = defined(decoder.cache.open(`${i}`, ids), 'slot');
    if (!decoder.cache.reserve(sequence, ids.length)) throw new Error('no room in the cache');
    sequences.push(sequence);
    const first = rows.length;
    rows.push(...ids.map((id, position) => ({ id, slot: sequence.slot, position })));
    for (let position = ids.length - last; position < ids.length; position++) {
      const greedy = { seed: 0, temperature: 0, topK: 0, topP: 1 };
      samples.push({ row: first + position, position: position + 1, ...greedy });
    }
  }
  await decoder.step(rows, samples, 'prefill');
  const V = decoder.model.config.vocab;
  const logits = await decoder.readLogits(samples.length);
  for (const sequence of sequences) {
    decoder.cache.close(sequence);
    decoder.cache.release(sequence.key);
  }
  const rowsOf = samples.map((_, i) => logSoftmax(logits.subarray(i * V, (i + 1) * V)));
  return batch.map(({ last }) => rowsOf.splice(0, last));
}

/** Log-probabilities of logits, in double precision. */
export function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const total = Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  return values.map((value) => value - largest - total);
}
