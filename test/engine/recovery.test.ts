// Devices that are lost while the engine works: destroyed from outside, as a driver's reset looks to the program.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../src/base/errors.ts';
import { Rng } from '../../src/base/rng.ts';
import {
  type EngineSource,
  LastingEngine,
  type Recovery,
} from '../../src/engine/lasting-engine.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { GpuSupply } from '../../src/gpu/gpu-supply.ts';
import { openGpu } from '../../src/gpu/open-gpu.ts';
import { tokenizerFromMetadata } from '../../src/tokenizer/tokenizer.ts';
import { adapterTarget, freshAdapter } from '../../src/train/targets.ts';
import { GpuTrainer } from '../../src/train/trainer.ts';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import type { GenerateRequest, GenerateResult } from '../../src/trajectory/interfaces.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { readGguf } from '../../src/weights/gguf.ts';
import { goldenAdapter, goldenPath } from '../support/golden-engine.ts';

const SEED = 31;

async function golden(name: string): Promise<EngineSource> {
  const bytes = new Uint8Array(await readFile(goldenPath(`${name}.gguf`)));
  const file = await readGguf(bytesSource(bytes, name));
  const tokenizer = () => tokenizerFromMetadata(file.values);
  return { name, file, hash: null, eosIds: [], tokenizer };
}

interface Opened {
  engine: LastingEngine;
  supply: GpuSupply;
  /** Every device that was opened. */
  gpus: Gpu[];
  told: Recovery['state'][];
  /** Lets time pass for the supply. */
  wait(ms: number): void;
}

/** `onProgress` may destroy the device that a model is loaded on. */
async function open(
  source: EngineSource,
  onProgress: (gpus: readonly Gpu[], loadedBytes: number) => void = () => undefined,
): Promise<Opened> {
  const gpus: Gpu[] = [];
  const told: Recovery['state'][] = [];
  let clock = 0;
  const supply = new GpuSupply({
    open: async () => {
      const gpu = await openGpu(globalThis.navigator.gpu);
      gpus.push(gpu);
      return gpu;
    },
    now: () => clock,
  });
  const engine = await LastingEngine.open(supply, source, {
    onProgress: (loadedBytes) => onProgress(gpus, loadedBytes),
    onRecovery: ({ state }) => told.push(state),
  });
  return {
    ...{ engine, supply, gpus, told },
    wait(ms) {
      clock += ms;
    },
  };
}

const lose = (gpu: Gpu | undefined): void => gpu?.device.destroy();

/** A group of four on one prompt, and others of their own. */
function requests(): GenerateRequest[] {
  const rng = new Rng(SEED);
  const prompt = (length: number) => Array.from({ length }, () => rng.int(0, 119));
  const shared = prompt(40);
  const own = [prompt(3), prompt(21), prompt(70)];
  return [shared, shared, shared, shared, ...own].map((ids, i) => ({
    ids,
    sequence: `s-${i}`,
    maxTokens: 30 + i,
    temperature: i % 3 === 2 ? 0 : 1,
    topP: i === 5 ? 0.9 : 1,
    seed: 50 + i,
  }));
}

/** What callers see: the results, and the tokens as they came. */
async function sample(
  { policy }: LastingEngine,
  list: readonly GenerateRequest[],
  onToken: (count: number) => void = () => undefined,
): Promise<{ results: GenerateResult[]; streamed: { ids: number[]; logprobs: number[] }[] }> {
  let count = 0;
  const streamed = list.map(() => ({ ids: [] as number[], logprobs: [] as number[] }));
  const work = list.map((request, i) =>
    policy.generate(request, {
      onTokens: (ids, logprobs) => {
        streamed[i]?.ids.push(...ids);
        streamed[i]?.logprobs.push(...logprobs);
        count += 1;
        onToken(count);
      },
    }),
  );
  return { results: await Promise.all(work), streamed };
}

describe.each(['q8_0', 'q4_k_m'])('%s: a device that is lost in mid-generation', (name) => {
  it.each(['alone', 'batch'])('%s: ids and log-probabilities as undisturbed', async (how) => {
    const list = how === 'alone' ? requests().slice(0, 1) : requests();
    const calm = await open(await golden(name));
    const want = await sample(calm.engine, list);
    const { engine, gpus, told, supply } = await open(await golden(name));
    // Tokens of steps that were on their way may still come from a device that is gone: the next loss waits for the next device.
    const losses = [9, list.length * 12];
    const got = await sample(engine, list, (count) => {
      const at = losses[gpus.length - 1];
      if (at !== undefined && count >= at) lose(gpus.at(-1));
    });
    expect(gpus.length).toBe(3);
    expect(told).toEqual(['begun', 'done', 'begun', 'done']);
    expect(got).toEqual(want);
    // Each token was told once: what was streamed is the result.
    got.results.forEach(({ ids, logprobs }, i) => {
      expect(got.streamed[i]).toEqual({ ids, logprobs });
    });
    await Promise.all([supply.close(), calm.supply.close()]);
  });
});

describe('a device that is lost', () => {
  it('leaves the adapter on', async () => {
    const adapter = await goldenAdapter('q8_0');
    const calm = await open(await golden('q8_0'));
    const bare = await sample(calm.engine, requests());
    await calm.engine.setAdapter(adapter);
    const want = await sample(calm.engine, requests());
    expect(want.results).not.toEqual(bare.results);
    const { engine, gpus, supply } = await open(await golden('q8_0'));
    await engine.setAdapter(adapter);
    const got = await sample(engine, requests(), (count) => {
      if (count === 30) lose(gpus.at(-1));
    });
    expect(gpus.length).toBe(2);
    expect(got).toEqual(want);
    // Set on a lost device, and taken off there.
    lose(gpus.at(-1));
    await engine.setAdapter(null);
    expect((await sample(engine, requests())).results).toEqual(bare.results);
    lose(gpus.at(-1));
    await gpus.at(-1)?.failed;
    await engine.setAdapter(adapter);
    expect((await sample(engine, requests())).results).toEqual(want.results);
    expect(gpus.length).toBe(4);
    await Promise.all([supply.close(), calm.supply.close()]);
  });

  it('while a model is loaded: it is loaded on the next one', async () => {
    const calm = await open(await golden('q8_0'));
    const want = await sample(calm.engine, requests().slice(0, 2));
    let steps = 0;
    const { engine, gpus, told, supply } = await open(await golden('q8_0'), (opened) => {
      steps += 1;
      if (steps === 5) lose(opened.at(-1));
    });
    expect(gpus.length).toBe(2);
    expect(told).toEqual(['begun', 'done']);
    expect(await sample(engine, requests().slice(0, 2))).toEqual(want);
    await Promise.all([supply.close(), calm.supply.close()]);
  });

  it('whenever a model is loaded: that is given up', async () => {
    const source = await golden('q8_0');
    const told: Recovery['state'][] = [];
    const gpus: Gpu[] = [];
    const supply = new GpuSupply({
      open: async () => {
        const gpu = await openGpu(globalThis.navigator.gpu);
        gpus.push(gpu);
        return gpu;
      },
    });
    const opening = LastingEngine.open(supply, source, {
      onProgress: () => lose(gpus.at(-1)),
      onRecovery: ({ state }) => told.push(state),
    });
    await expect(opening).rejects.toMatchObject({ code: 'device-unsteady' });
    expect(told).toEqual(['begun', 'begun', 'begun', 'begun', 'failed']);
    expect(gpus.length).toBe(4);
  });

  it('while it is rebuilt, again and again: a few times, then one error for everyone', async () => {
    let lost = true;
    const source = await golden('q8_0');
    const opened = await open(source, (gpus, loadedBytes) => {
      if (gpus.length > 1 && loadedBytes > 1000 && lost) lose(gpus.at(-1));
    });
    const { engine, gpus, told, supply, wait } = opened;
    const work = requests().map((request, i) =>
      engine.policy.generate(request, {
        onTokens: () => {
          if (i === 0 && gpus.length === 1) lose(gpus[0]);
        },
      }),
    );
    const settled = await Promise.allSettled(work);
    const errors = new Set(settled.map((one) => (one.status === 'rejected' ? one.reason : null)));
    expect(errors.size).toBe(1);
    const [error] = errors;
    expect(error).toBeInstanceOf(DeviceError);
    expect(error).toMatchObject({
      code: 'device-unsteady',
      message: expect.stringMatching(
        /^GPU: the device was lost 4 times within 5 minutes .* start again$/,
      ),
    });
    expect(gpus.length).toBe(4);
    expect(told).toEqual(['begun', 'begun', 'begun', 'begun', 'failed']);
    // Later it may do better.
    lost = false;
    wait(6 * 60_000);
    expect((await sample(engine, requests())).results.length).toBe(7);
    expect(told.at(-1)).toBe('done');
    await supply.close();
  });

  it('a cancelled request keeps what it had, and its neighbours go on', async () => {
    const list = requests();
    const calm = await open(await golden('q8_0'));
    const want = await sample(calm.engine, list);
    const { engine, gpus, supply } = await open(await golden('q8_0'));
    const abort = new AbortController();
    let tokens = 0;
    const [first, ...others] = list;
    const work = engine.policy.generate(first ?? fail(), {
      signal: abort.signal,
      onTokens: () => {
        tokens += 1;
        if (tokens !== 6) return;
        lose(gpus.at(-1));
        setTimeout(() => abort.abort(), 0);
      },
    });
    const rest = sample(engine, others);
    const cut = await work;
    expect(cut).toEqual({
      finish: 'cancel',
      ids: want.results[0]?.ids.slice(0, cut.ids.length),
      logprobs: want.results[0]?.logprobs.slice(0, cut.ids.length),
    });
    expect(cut.ids.length).toBeGreaterThanOrEqual(6);
    expect((await rest).results).toEqual(want.results.slice(1));
    await Promise.all([supply.close(), calm.supply.close()]);
  });

  it('ends what samples from weights under training, and the next trainer begins on another', async () => {
    const { engine, gpus, told, supply } = await open(await golden('q8_0'));
    const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 0.1 });
    const begin = async () => {
      const { gpu, model, decoder } = await engine.lend();
      const start = freshAdapter(model.config, { rank: 4, alpha: 8 }, 7, null);
      const target = adapterTarget(gpu, model, start);
      decoder.setAdapter(target.adapter);
      return new GpuTrainer(gpu, target, { optimiser, onMoved: () => decoder.weightsMoved() });
    };
    const list = requests();
    const ids = list[6]?.ids ?? [];
    const mask = ids.map((_, t): 0 | 1 => (t === 0 ? 0 : 1));
    const batch = {
      objective: { kind: 'sft', aggregate: 'token-mean' } as const,
      sequences: [{ ids: [...ids], mask, advantage: 1 }],
    };
    const step = async (trainer: GpuTrainer) => {
      await trainer.accumulate(batch);
      await trainer.apply({ learningRate: 0.1, clipNorm: 1 });
      return trainer.checkpoint();
    };
    const trainer = await begin();
    const kept = await step(trainer);
    const want = await sample(engine, list);
    const pending = trainer.accumulate(batch);
    const asked = engine.policy.generate(list[0] ?? fail());
    lose(gpus.at(-1));
    await expect(pending).rejects.toMatchObject({ code: 'device-lost' });
    await expect(asked).rejects.toMatchObject({ code: 'device-lost' });
    await expect(trainer.checkpoint()).rejects.toMatchObject({ code: 'device-lost' });
    await engine.takeBack();
    trainer.free();
    const next = await begin();
    await next.restore(kept);
    expect(told).toEqual(['begun', 'done']);
    expect(await sample(engine, list)).toEqual(want);
    await engine.takeBack();
    const bare = await sample(engine, list);
    expect(bare).not.toEqual(want);
    await supply.close();
  });

  it('is not what a closed or broken device is: those end the engine', async () => {
    const { engine, gpus, told, supply } = await open(await golden('q8_0'));
    const [gpu] = gpus;
    if (gpu === undefined) throw new Error('no device');
    const work = engine.policy.generate(requests()[0] ?? fail(), {
      onTokens: () =>
        gpu.device.queue.writeBuffer(
          engine.parts.decoder.cache.pageTable.buffer,
          2 ** 30,
          new Uint8Array(4),
        ),
    });
    await expect(work).rejects.toMatchObject({ code: 'gpu-error' });
    await expect(supply.get()).rejects.toMatchObject({ code: 'gpu-error' });
    gpu.device.destroy();
    const closed = await open(await golden('q8_0'));
    await closed.supply.close();
    await expect(closed.engine.policy.generate(requests()[0] ?? fail())).rejects.toMatchObject({
      code: 'device-closed',
    });
    expect([...told, ...closed.told]).toEqual([]);
    expect(gpus.length + closed.gpus.length).toBe(2);
  });
});

function fail(): never {
  throw new Error('no request');
}
