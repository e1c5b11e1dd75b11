// What the processor does for one token before the device has it, against a loop of as many dispatches and nothing else.
import { assert, defined } from '../../base/assert.ts';
import type { Decoder } from '../../engine/decoder.ts';
import type { StepRow, StepSample } from '../../engine/step-rows.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { PassEntry } from '../../gpu/pass.ts';
import { type Bench, interleaved, type Measured } from './bench.ts';
import { emptyPass } from './empty-pass.ts';
import { benchEngine } from './subject.ts';

const ROUNDS = 7;
/** Tokens of one sample. */
const TOKENS = 16;
/** Tokens of the sequence before it starts again: more than all samples take. */
const MOST = 512;

/** Mean microseconds until `send` returns; what it sent is done before the next. */
async function encodeUs(send: () => Promise<unknown>): Promise<number> {
  let total = 0;
  for (let i = 0; i < TOKENS; i++) {
    const started = performance.now();
    const done = send();
    total += performance.now() - started;
    await done;
  }
  return (total / TOKENS) * 1000;
}

/** One sequence: its first token, from the start again, and the tokens that follow unread. */
function oneToken(decoder: Decoder): { first(): Promise<unknown>; next(): Promise<unknown> } {
  const sequence = defined(decoder.cache.open('encode', [1]), 'a sequence');
  assert(decoder.cache.reserve(sequence, MOST), 'no pages for the tokens');
  const rows: StepRow[] = [{ id: 1, slot: sequence.slot, position: 0 }];
  const samples: StepSample[] = [
    { row: 0, seed: 1, position: 1, temperature: 1, topK: 0, topP: 1 },
  ];
  let length = 0;
  const first = () => {
    length = 1;
    return decoder.step(rows, samples, 'decode');
  };
  const next = () => {
    if (length === MOST) return first();
    length += 1;
    return decoder.stepAhead();
  };
  return { first, next };
}

/** Dispatches, each with its pipeline and bind group, by hand. */
function bareLoop(gpu: Gpu, all: readonly PassEntry[]): () => Promise<unknown> {
  const { device } = gpu;
  const entries = all.flatMap((entry) => (entry.kind === 'dispatch' ? [entry] : []));
  return () => {
    const encoder = device.createCommandEncoder();
    const compute = encoder.beginComputePass();
    for (const { pipeline, group, x, y, z } of entries) {
      compute.setPipeline(pipeline);
      compute.setBindGroup(0, group);
      compute.dispatchWorkgroups(x, y, z);
    }
    compute.end();
    device.queue.submit([encoder.finish()]);
    return gpu.idle();
  };
}

async function measure(gpu: Gpu, path: string | null): Promise<Measured[]> {
  const { decoder, free } = await benchEngine(gpu, path);
  const token = oneToken(decoder);
  await token.first();
  const count = decoder.lastDispatches;
  const empty = emptyPass(gpu, count);
  const bare = bareLoop(gpu, empty.pass.entries);
  const whole = await interleaved(
    ROUNDS,
    () => encodeUs(token.next),
    () => encodeUs(bare),
  );
  const first = await interleaved(
    ROUNDS,
    () => encodeUs(token.first),
    () => encodeUs(bare),
  );
  // Its own dispatches, each of another kernel, cost more than those: this is what the engine adds to them.
  const own = bareLoop(gpu, decoder.lastEntries);
  const added = await interleaved(
    ROUNDS,
    () => encodeUs(token.next),
    () => encodeUs(own),
  );
  // The control: the same dispatches on both sides, so nothing may be won or lost.
  const control = await interleaved(
    ROUNDS,
    () =>
      encodeUs(() => {
        gpu.submit(empty.pass);
        return gpu.idle();
      }),
    () => encodeUs(bare),
  );
  free();
  empty.free();
  const row = (name: string, { first, second, ratio }: typeof whole, of = ''): Measured => {
    const peer = { name: `a loop of ${count}${of} dispatches`, value: second };
    return { name, value: first, unit: 'us/token', peer, ratio };
  };
  return [
    row('encode', whole),
    row('encode-first', first),
    row('encode-own', added, ' of its own'),
    row('encode-control', control),
  ];
}

export const encode: Bench = { name: 'encode', measure };
