// The line between page and workers over real ports: errors, cuts, events.
import { afterEach, describe, expect, it } from 'vitest';
import {
  AtlasError,
  DeviceError,
  InputError,
  ModelFileError,
  ProtocolError,
} from '../../../src/base/errors.ts';
import { openLine } from '../../../src/workers/calls.ts';
import {
  decodeGpuEvent,
  decodePageEvent,
  type GpuEvent,
  type Hello,
  type PageEvent,
  serveWorker,
} from '../../../src/workers/protocol.ts';
import { fromWireError, toWireError } from '../../../src/workers/wire-error.ts';

interface Greeter {
  greet(name: string): Promise<string>;
  fail(): Promise<never>;
  never(): Promise<void>;
}
type Told = { kind: 'told'; text: string };

const open: MessagePort[] = [];
afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

/** A served greeter, as a worker file serves its API, and the line to it. */
function serveGreeter(failure: Error, told: (event: Told) => void = () => undefined) {
  const calls = new MessageChannel();
  const events = new MessageChannel();
  open.push(calls.port1, calls.port2, events.port1, events.port2);
  const scope = new EventTarget();
  serveWorker<Greeter, Told>(scope, (emit) => ({
    greet: async (name) => {
      emit({ kind: 'told', text: `greeted ${name}` });
      return `hello ${name}`;
    },
    fail: () => Promise.reject(failure),
    never: () => new Promise(() => undefined),
  }));
  events.port1.onmessage = ({ data }: MessageEvent<Told>) => told(data);
  const data: Hello = { calls: calls.port2, events: events.port2, gpu: null };
  scope.dispatchEvent(new MessageEvent('message', { data }));
  return openLine<Greeter>(calls.port1);
}

describe('line', () => {
  it('carries a call, its result and an event', async () => {
    const events: Told[] = [];
    const line = serveGreeter(new Error('unused'), (event) => events.push(event));
    expect(await line.calls.greet('Ada')).toBe('hello Ada');
    await expect.poll(() => events).toEqual([{ kind: 'told', text: 'greeted Ada' }]);
  });

  it('gives back an error of its own class with code and data', async () => {
    const failure = new ModelFileError('file-truncated', 'x.gguf: got 3 bytes, need 9', {
      data: { got: 3, needed: 9 },
    });
    const error = await serveGreeter(failure)
      .calls.fail()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error).toMatchObject({
      name: 'ModelFileError',
      code: 'file-truncated',
      message: 'x.gguf: got 3 bytes, need 9',
      data: { got: 3, needed: 9 },
    });
  });

  it('rejects what is pending, and every later call, when it is cut', async () => {
    const line = serveGreeter(new Error('unused'));
    const pending = [line.calls.never(), line.calls.never()];
    const died = new ProtocolError('worker-died', 'gpu worker: it stopped');
    line.cut(died);
    line.cut(new Error('a second cut does not count'));
    for (const call of [...pending, line.calls.greet('Ada')]) {
      await expect(call).rejects.toBe(died);
    }
  });
});

describe('errors as data', () => {
  it.each([
    new DeviceError('device-lost', 'GPU: lost'),
    new InputError('busy', 'run: busy', { data: { run: 'a' } }),
    new AtlasError('any', 'something'),
  ])('keep class, code and data: %s', (error) => {
    const back = fromWireError(structuredClone(toWireError(error)));
    expect(back.constructor).toBe(error.constructor);
    expect(back).toMatchObject({ code: error.code, message: error.message, data: error.data });
  });

  it('know their class when a build has shortened its name', () => {
    const error = new InputError('busy', 'run: busy');
    error.name = 'e';
    expect(fromWireError(toWireError(error))).toBeInstanceOf(InputError);
  });

  it('leave other errors as they are', () => {
    const back = fromWireError(toWireError(new TypeError('x is not a function')));
    expect(back).not.toBeInstanceOf(AtlasError);
    expect(back).toMatchObject({ name: 'TypeError', message: 'x is not a function' });
    expect(fromWireError(toWireError('thrown text')).message).toBe('thrown text');
  });
});

describe('events', () => {
  const seen: string[] = [];
  const note = (event: { kind: string }): void => {
    seen.push(event.kind);
  };

  it('reach the handler of their kind', () => {
    seen.length = 0;
    const gpu: GpuEvent[] = [
      { kind: 'tokens', call: 'a', ids: [1], logprobs: [-1] },
      { kind: 'loading', loadedBytes: 1, totalBytes: 2 },
      { kind: 'recovery', state: 'begun' },
      { kind: 'lost', error: toWireError(new Error('gone')) },
    ];
    for (const event of gpu) {
      decodeGpuEvent(event, { tokens: note, loading: note, recovery: note, lost: note });
    }
    expect(seen).toEqual(['tokens', 'loading', 'recovery', 'lost']);
  });

  it('of an unknown kind are refused', () => {
    const handlers = { tokens: note, loading: note, recovery: note, lost: note };
    const unknown: GpuEvent = JSON.parse('{"kind":"later"}');
    expect(() => decodeGpuEvent(unknown, handlers)).toThrow(/"later".*reload/);
    const page: PageEvent = JSON.parse('{"kind":"later"}');
    const all = { episode: note, progress: note, metrics: note, run: note, model: note };
    expect(() =>
      decodePageEvent(page, { ...all, loading: note, recovery: note, lost: note }),
    ).toThrow(ProtocolError);
  });
});
