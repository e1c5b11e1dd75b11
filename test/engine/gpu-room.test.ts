// The gpu worker's calls on a real device, which is lost under them.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import type { GenerateRequest } from '../../src/trajectory/interfaces.ts';
import { GpuRoom } from '../../src/workers/gpu-room.ts';
import type { GpuEvent } from '../../src/workers/protocol.ts';
import { goldenPath } from '../support/golden-engine.ts';
import { MemoryDirectory } from '../support/memory-directory.ts';

const IDS = [5, 17, 3, 88, 41, 7];
const REQUEST: GenerateRequest = {
  ...{ ids: IDS, sequence: 's', maxTokens: 24, temperature: 1, seed: 3, ignoreEos: true },
};
const BATCH = {
  objective: { kind: 'sft', aggregate: 'token-mean' } as const,
  sequences: [{ ids: IDS, mask: IDS.map((_, t): 0 | 1 => (t === 0 ? 0 : 1)), advantage: 1 }],
};
const SETTINGS = {
  adapter: { rank: 4, alpha: 8 },
  optimiser: experimentSchema.shape.optimiser.parse({ learningRate: 0.1 }),
  seed: 9,
  limits: experimentSchema.shape.limits.parse(undefined),
};

/** Devices that were opened in this file. */
const devices: GPUDevice[] = [];
const { prototype } = globalThis.GPUAdapter;
const { requestDevice } = prototype;
prototype.requestDevice = async function (this: GPUAdapter, ...args) {
  const device = await requestDevice.apply(this, args);
  devices.push(device);
  return device;
};
const lose = (): void => devices.at(-1)?.destroy();

async function openRoom(onEvent: (event: GpuEvent) => void = () => undefined) {
  const events: GpuEvent[] = [];
  const emit = (event: GpuEvent): void => {
    events.push(event);
    onEvent(event);
  };
  const room = new GpuRoom({ emit, root: async () => new MemoryDirectory() });
  await room.open();
  const bytes = new Uint8Array(await readFile(goldenPath('q8_0.gguf')));
  await room.loadModel({ kind: 'file', file: new File([bytes], 'q8_0.gguf') });
  const states = () => events.flatMap((e) => (e.kind === 'recovery' ? [e.state] : []));
  return { room, events, states };
}

const step = async (room: GpuRoom) => {
  await room.accumulate(BATCH);
  await room.apply({ learningRate: 0.1, clipNorm: 1 });
  return room.checkpoint();
};

it('generates on over a loss, each token told once', async () => {
  const calm = await openRoom();
  const want = await calm.room.generate('a', REQUEST, false);
  let told = 0;
  const { room, events, states } = await openRoom(({ kind }) => {
    if (kind === 'tokens') told += 1;
    if (told === 7 && kind === 'tokens') lose();
  });
  const opened = devices.length;
  expect(await room.generate('b', REQUEST, true)).toEqual(want);
  expect(devices.length).toBe(opened + 1);
  expect(states()).toEqual(['begun', 'done']);
  const streamed = events.flatMap((event) => (event.kind === 'tokens' ? event.ids : []));
  expect(streamed).toEqual(want.ids);
  await calm.room.close();
  await room.close();
});

it('a trainer on a cache of f16 rounds alike, and requests go on over the change of the cache', async () => {
  let told = 0;
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const { room, states } = await openRoom(({ kind }) => {
    if (kind === 'tokens') told += 1;
    if (told === 7) begin();
  });
  const bare = await room.generate('bare', REQUEST, false);
  const long = { ...REQUEST, maxTokens: 200 };
  const alone = await room.generate('alone', { ...long, sequence: 'alone' }, false);
  const work = room.generate('long', { ...long, sequence: 'long' }, true);
  await begun;
  const sampling = { constrain: false, kv: 'f16' } as const;
  await room.startTrainer({ ...SETTINGS, sampling });
  expect(told).toBeLessThan(200);
  const rounded = await room.generate('rounded', { ...REQUEST, sequence: 'rounded' }, false);
  expect(rounded.ids).toEqual(bare.ids);
  expect(rounded.logprobs).not.toEqual(bare.logprobs);
  const other = await work;
  expect([told, other.ids.length]).toEqual([200, 200]);
  expect(other.logprobs.slice(0, 7)).toEqual(alone.logprobs.slice(0, 7));
  expect(other.logprobs).not.toEqual(alone.logprobs);
  const objective = BATCH.objective;
  const ids = [...IDS, ...rounded.ids];
  const mask = ids.map((_, t): 0 | 1 => (t < IDS.length ? 0 : 1));
  const batch = { objective, sequences: [{ ids, mask, advantage: 1 }] };
  const gap = async () => {
    const { tokenLogprobs } = await room.accumulate(batch);
    const errors = rounded.logprobs.map((value, t) =>
      Math.abs(value - (tokenLogprobs[0]?.[IDS.length + t] ?? Number.NaN)),
    );
    return errors.reduce((sum, error) => sum + error) / errors.length;
  };
  const alike = await gap();
  expect(alike).toBeLessThan(2e-4);
  await room.startTrainer(SETTINGS);
  expect(await gap()).toBeGreaterThan(3 * alike);
  await room.startTrainer({ ...SETTINGS, sampling });
  await room.stopTrainer();
  expect(await room.generate('bare again', { ...REQUEST, sequence: 'again' }, false)).toEqual(bare);
  expect(states()).toEqual([]);
  await room.close();
});

it('a trainer ends with its device, and the next one goes on from a checkpoint', async () => {
  const { room, states, events } = await openRoom();
  const bare = await room.generate('bare', REQUEST, false);
  await room.startTrainer(SETTINGS);
  const kept = await step(room);
  const want = await room.generate('want', REQUEST, false);
  expect(want).not.toEqual(bare);
  const second = await step(room);
  await room.restore(kept);
  const work = room.accumulate(BATCH);
  lose();
  await expect(work).rejects.toMatchObject({ code: 'device-lost' });
  await expect(room.generate('lost', REQUEST, false)).rejects.toMatchObject({
    code: 'device-lost',
  });
  await room.startTrainer(SETTINGS);
  await room.restore(kept);
  expect(states()).toEqual(['begun', 'done']);
  expect(await room.generate('again', REQUEST, false)).toEqual(want);
  expect(await step(room)).toEqual(second);
  await room.stopTrainer();
  expect(await room.generate('bare again', REQUEST, false)).toEqual(bare);
  expect(events.filter(({ kind }) => kind === 'lost')).toEqual([]);
  await room.close();
});

it('an update whose gradients are not finite, too large or discarded moves nothing', async () => {
  const { room } = await openRoom();
  await room.startTrainer(SETTINGS);
  const kept = await step(room);
  const want = await step(room);
  await room.restore(kept);
  const sampled = await room.generate('before', REQUEST, false);
  // Past the largest f32.
  await room.accumulate(BATCH, 1e39);
  const huge = await room.apply({ learningRate: 0.1, clipNorm: 1 });
  expect(huge.moved).toBe(false);
  expect(Number.isFinite(huge.gradNorm)).toBe(false);
  await room.accumulate(BATCH, Number.NaN);
  expect(await room.apply({ learningRate: 0.1, clipNorm: 1 })).toMatchObject({ moved: false });
  await room.accumulate(BATCH);
  const { gradNorm, moved } = await room.apply({
    ...{ learningRate: 0.1, clipNorm: 1, normLimit: 1e-9 },
  });
  expect(gradNorm).toBeGreaterThan(1e-9);
  expect(moved).toBe(false);
  await room.accumulate(BATCH);
  await room.discard();
  // Weights, moments and the count of steps are as they were, and so is what is sampled.
  expect(await room.checkpoint()).toEqual(kept);
  expect(await room.generate('after', REQUEST, false)).toEqual(sampled);
  // Nothing is left of those gradients.
  expect(await step(room)).toEqual(want);
  await room.close();
});
