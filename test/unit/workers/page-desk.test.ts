// The agent worker's desk, whole.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { DeviceError, InputError } from '../../../src/base/errors.ts';
import { monitorSchema } from '../../../src/trajectory/experiment.ts';
import type { GpuEvent } from '../../../src/workers/protocol.ts';
import { parseTrace } from '../../../src/workers/trace-view.ts';
import { loadedDesk, openDesk, preset, TOKENIZER } from '../../support/page-desk.ts';

describe('single episodes', () => {
  it('are played, scored, streamed and kept; the teacher solves its task', async () => {
    const { desk, events } = await loadedDesk();
    const task = await desk.drawTask({ split: 'test', seed: 3, toolspace: 'core' });
    const request = { task, mode: 'itl', seed: 3, temperature: 0, constrain: false } as const;
    const { view, index } = await desk.runEpisode('call-1', {
      ...request,
      player: { kind: 'oracle' },
    });
    expect(view.trace.success).toBe(true);
    expect(view.trace.scores?.reward).toBe(1);
    // Every token has its text, and joined they hold the request.
    const text = view.tokenTexts?.flat().join('') ?? '';
    expect(text).toContain(task.prompt);
    expect(view.tokenTexts?.map((list) => list.length)).toEqual(
      view.trace.segments.map(({ ids }) => ids.length),
    );
    const kinds = events.map((event) => (event.kind === 'episode' ? event.event.kind : ''));
    expect(kinds[0]).toBe('start');
    expect(kinds.at(-1)).toBe('end');
    const { desk: later } = await loadedDesk();
    expect((await later.trace('episodes', index)).trace).toEqual(view.trace);
    const [run] = await later.runs();
    expect(run).toMatchObject({ kind: 'episodes', step: 1, experiment: null });
  });

  it('of programs need a sandbox, and say so', async () => {
    const { desk } = await loadedDesk();
    const task = await desk.drawTask({ split: 'test', seed: 3, toolspace: 'core' });
    const request = { task, mode: 'ptc', seed: 3, temperature: 0, constrain: false } as const;
    const playing = desk.runEpisode('call-1', { ...request, player: { kind: 'oracle' } });
    await expect(playing).rejects.toThrow('got ptc, which needs a sandbox');
  });

  it('take the adapter of a stored run on, and off again', async () => {
    const { desk, log } = await loadedDesk();
    const { id } = await desk.createRun(preset());
    await desk.advance(id, 'step');
    const task = await desk.drawTask({ split: 'test', seed: 3, toolspace: 'core' });
    const request = { task, mode: 'itl', seed: 3, temperature: 1, constrain: false } as const;
    await desk.runEpisode('call-1', { ...request, player: { kind: 'model', adapterOf: id } });
    const second = { ...request, constrain: true, player: { kind: 'model' } } as const;
    expect((await desk.runEpisode('call-2', second)).view.trace.constrained).toBe(true);
    expect(log).toEqual(['start', 'stop', 'adapter on', 'adapter off']);
  });
});

describe('runs', () => {
  it('stop after any step and go on after a reload with the same numbers', async () => {
    const whole = await loadedDesk();
    const first = await whole.desk.createRun(preset());
    expect(await whole.desk.advance(first.id, 'run')).toMatchObject({ status: 'done', step: 3 });
    const before = await loadedDesk();
    const second = await before.desk.createRun(preset());
    expect(second.id).not.toBe(first.id);
    expect(await before.desk.advance(second.id, 'step')).toMatchObject({
      status: 'paused',
      step: 1,
      hasAdapter: true,
    });
    const after = await loadedDesk();
    const found = (await after.desk.runs()).find((run) => run.id === second.id);
    expect(found).toMatchObject({ status: 'paused', step: 1, hasAdapter: true });
    expect(await after.desk.advance(second.id, 'step')).toMatchObject({ step: 2 });
    expect(await after.desk.advance(second.id, 'run')).toMatchObject({ status: 'done', step: 3 });
    expect(await after.desk.metrics(second.id)).toEqual(await after.desk.metrics(first.id));
    expect(await after.desk.adapterZip(second.id)).toEqual(await after.desk.adapterZip(first.id));
    // The first step of the second page restored its trainer.
    expect(after.log).toEqual(['start', 'stop']);
  });

  it('tell each step, and list their trajectories newest first', async () => {
    const { desk, events } = await loadedDesk();
    const { id } = await desk.createRun(preset());
    await desk.advance(id, 'step');
    const steps = events.flatMap((event) => (event.kind === 'metrics' ? [event.metrics.step] : []));
    expect(steps).toEqual([0]);
    const statuses = events.flatMap((event) => (event.kind === 'run' ? [event.run.status] : []));
    expect(statuses).toEqual(['running', 'paused']);
    // 2 tasks of 2 tries.
    const { total, traces } = await desk.traces(id, 0, 3);
    expect(total).toBe(4);
    expect(traces.map(({ index }) => index)).toEqual([3, 2, 1]);
    expect((await desk.traces(id, 3, 3)).traces.map(({ index }) => index)).toEqual([0]);
    expect((await desk.trace(id, 3)).trace.id).toBe(traces[0]?.id);
  });

  it('give their adapter as a zip of a folder', async () => {
    const { desk } = await loadedDesk();
    const { id } = await desk.createRun(preset());
    await expect(desk.adapterZip(id)).rejects.toThrow(/no adapter yet/);
    await desk.advance(id, 'step');
    const files = unzipSync(await desk.adapterZip(id));
    expect(Object.keys(files)).toEqual([
      'adapter/adapter_config.json',
      'adapter/adapter_model.safetensors',
    ]);
    // 8 bytes a logit.
    const matrices = files['adapter/adapter_model.safetensors'];
    expect(matrices?.length).toBe(8 * TOKENIZER.vocabSize ** 2);
  });

  it('stopped in the middle of a step stand at the last checkpoint', async () => {
    const { desk } = await loadedDesk();
    const { id } = await desk.createRun({ ...preset(), steps: 500 });
    const work = desk.advance(id, 'run');
    // On a busy machine a step may take longer than the second that a poll waits of itself.
    await expect
      .poll(async () => (await desk.metrics(id)).length, { timeout: 20_000 })
      .toBeGreaterThan(0);
    await desk.stop(id);
    expect((await work).status).toBe('paused');
    const { step } = await desk.advance(id, 'step');
    expect(step).toBeGreaterThan(1);
    expect(step).toBeLessThan(500);
    const lines = await desk.metrics(id);
    expect(lines.map((line) => line.step)).toEqual(Array.from({ length: step }, (_, i) => i));
    // Nothing of the step that was cut off is left: 2 tasks of 2 tries a step.
    expect((await desk.traces(id, 0, 1)).total).toBe(4 * step);
  });

  it('keep the model to themselves while they are at work', async () => {
    const { desk } = await loadedDesk();
    const { id } = await desk.createRun(preset());
    const other = await desk.createRun(preset());
    const work = desk.advance(id, 'step');
    await expect
      .poll(async () => (await desk.runs()).map(({ status }) => status))
      .toContain('running');
    await expect(desk.advance(other.id, 'step')).rejects.toThrow(InputError);
    await expect(desk.loadModel({ kind: 'url', url: 'x' })).rejects.toThrow(/pause it first/);
    await work;
  });

  it('go on by themselves from their last checkpoint when the device is lost', async () => {
    const whole = await loadedDesk();
    const first = await whole.desk.createRun(preset());
    await whole.desk.advance(first.id, 'run');
    // 4 rollouts a step with at least one turn each: in the first step, and in a later one.
    const { desk, log, events } = await loadedDesk({ at: [3, 12] });
    const { id } = await desk.createRun(preset());
    expect(await desk.advance(id, 'run')).toMatchObject({ status: 'done', step: 3, error: null });
    expect(await desk.metrics(id)).toEqual(await whole.desk.metrics(first.id));
    expect(await desk.adapterZip(id)).toEqual(await whole.desk.adapterZip(first.id));
    expect((await desk.traces(id, 0, 1)).total).toBe(12);
    expect(log).toEqual(['start', 'start', 'start', 'stop']);
    const statuses = events.flatMap((event) => (event.kind === 'run' ? [event.run.status] : []));
    expect(statuses).toEqual(['running', 'done']);
  });

  it('fail with the reason when no other device lasts', async () => {
    const { desk } = await loadedDesk({ at: [2], unsteady: true });
    const { id } = await desk.createRun(preset());
    await expect(desk.advance(id, 'run')).rejects.toThrow('GPU: lost 4 times');
    const [run] = await desk.runs();
    expect(run).toMatchObject({ status: 'failed', step: 0, error: 'GPU: lost 4 times' });
  });

  it('tell the signs of collapse in their metrics, also after a reload', async () => {
    const { desk } = await loadedDesk();
    // Parameters alone earn, and in 8 tokens nobody makes a call: no group has spread.
    const none = { taskFulfilment: 0, toolAppropriateness: 0, toolGrounding: 0, success: 0 };
    const { limits } = preset();
    const watched = {
      ...preset(),
      reward: { ...none, parameterAccuracy: 1 },
      limits: { ...limits, turnTokens: 8 },
      monitor: monitorSchema.parse({ window: 2, stop: true }),
    };
    const { id } = await desk.createRun(watched);
    await desk.advance(id, 'step');
    expect(await desk.warnings(id)).toEqual([]);
    const reason = /100% of the groups of the last 2 steps had rewards that were all equal/;
    await expect(desk.advance(id, 'run')).rejects.toThrow(reason);
    const { desk: later } = await loadedDesk();
    expect(await later.warnings(id)).toEqual([expect.stringMatching(reason)]);
    const [run] = await desk.runs();
    expect(run).toMatchObject({ status: 'failed', step: 2, error: expect.stringMatching(reason) });
  });

  it('removed are gone with everything in them', async () => {
    const { desk } = await loadedDesk();
    const { id } = await desk.createRun(preset());
    await desk.advance(id, 'step');
    await desk.removeRun(id);
    expect(await desk.runs()).toEqual([]);
    expect(await desk.metrics(id)).toEqual([]);
    await expect(desk.adapterZip(id)).rejects.toThrow(/no adapter/);
  });
});

describe('without a GPU', () => {
  it('says so, and still draws tasks and shows trajectories', async () => {
    const { desk } = await openDesk({ gpu: false });
    expect(() => desk.openDevice()).toThrow(DeviceError);
    expect((await desk.drawTask({ split: 'test', seed: 1, toolspace: 'core' })).split).toBe('test');
    expect(await desk.runs()).toEqual([]);
  });

  it('ends its calls when the gpu worker died or the device is gone for good', async () => {
    const { desk, events, gpuPort } = await loadedDesk();
    const wire = { type: 'DeviceError', name: 'DeviceError', message: 'GPU: lost', stack: '' };
    const lost: GpuEvent = { kind: 'lost', error: { ...wire, code: 'gpu-error', data: {} } };
    const begun: GpuEvent = { kind: 'recovery', state: 'begun' };
    gpuPort.postMessage(begun);
    gpuPort.postMessage(lost);
    await expect.poll(() => events.map(({ kind }) => kind)).toEqual(['recovery', 'lost']);
    await expect(desk.openDevice()).rejects.toThrow(/GPU: lost/);
  });
});

describe('models of the store', () => {
  const GOLDEN = readFileSync(join(import.meta.dirname, '../../golden/data/f32.gguf'));

  it('are copied in with progress by call, found after a reload, and deleted', async () => {
    const { desk, events } = await openDesk({ gpu: false });
    const file = new File([new Uint8Array(GOLDEN)], 'rookie.gguf');
    const added = await desk.importModel('call-7', [file]);
    // The name without a number belongs to the model that comes with the page.
    expect(added).toMatchObject({ name: 'rookie-2', state: 'ready', doneBytes: GOLDEN.length });
    const told = events.flatMap((event) => (event.kind === 'model' ? [event] : []));
    expect(new Set(told.map(({ call }) => call))).toEqual(new Set(['call-7']));
    expect(told.at(-1)?.progress).toMatchObject({ phase: 'check', doneBytes: GOLDEN.length });
    const { desk: later } = await openDesk({ gpu: false });
    expect(await later.models()).toEqual([added]);
    await later.removeModel(added.name);
    expect(await later.models()).toEqual([]);
  });

  it('that cannot be reached are told with what to do', async () => {
    const { desk } = await openDesk({ gpu: false });
    await expect(desk.findModels('ann/tiny')).rejects.toThrow(/no network.*add it as a file/);
    const [offer] = await desk.findModels('https://models.test/x.gguf');
    if (offer === undefined) throw new Error('no offer');
    await expect(desk.addModel('call-8', offer)).rejects.toThrow(/cannot be reached/);
    expect(await desk.models()).toEqual([]);
  });
});

describe('trajectories from files', () => {
  it.each([
    ['{', /need one line/],
    ['{"v":1}', /id: /],
  ])('%s is refused with what does not fit', (text, message) => {
    expect(() => parseTrace(text)).toThrow(message);
    expect(() => parseTrace(text)).toThrow(InputError);
  });
});
