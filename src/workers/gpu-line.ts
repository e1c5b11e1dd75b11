// The gpu worker as the agent worker sees it: a TokenPolicy and a Trainer over a MessagePort. Must not know tasks,
// stores or the page.
import { DeviceError } from '../base/errors.ts';
import type {
  GenerateOptions,
  GenerateRequest,
  GenerateResult,
  TokenPolicy,
  Trainer,
} from '../trajectory/interfaces.ts';
import { type Calls, type Line, openLine } from './calls.ts';
import {
  decodeGpuEvent,
  type GpuEvent,
  type GpuWorkerApi,
  type Hello,
  type ModelInfo,
  type RecoveryEvent,
} from './protocol.ts';
import { fromWireError } from './wire-error.ts';

export interface GpuLineOptions {
  onLoading: (loadedBytes: number, totalBytes: number) => void;
  /** A lost device is being replaced, or was. */
  onRecovery: (event: RecoveryEvent) => void;
  /** The device is gone for good; calls were rejected with the same error. */
  onLost: (error: Error) => void;
}

/** The agent worker's line to the gpu worker. */
export class GpuLine {
  readonly #line: Line<GpuWorkerApi>;
  readonly #listeners = new Map<string, NonNullable<GenerateOptions['onTokens']>>();
  #calls = 0;

  constructor(ports: NonNullable<Hello['gpu']>, options: GpuLineOptions) {
    const { onLoading, onRecovery, onLost } = options;
    this.#line = openLine<GpuWorkerApi>(ports.calls);
    ports.events.onmessage = ({ data }: MessageEvent<GpuEvent>) =>
      decodeGpuEvent(data, {
        tokens: ({ call, ids, logprobs }) => this.#listeners.get(call)?.(ids, logprobs),
        loading: ({ loadedBytes, totalBytes }) => onLoading(loadedBytes, totalBytes),
        recovery: onRecovery,
        lost: ({ error }) => {
          const lost = fromWireError(error);
          this.cut(lost);
          onLost(lost);
        },
      });
  }

  get calls(): Calls<GpuWorkerApi> {
    return this.#line.calls;
  }

  /** Ends every pending and later call. */
  cut(error: Error): void {
    this.#line.cut(error);
    this.#listeners.clear();
  }

  /** The loaded model as a policy; `name` is what trajectories say of it. */
  policy(info: ModelInfo, name: string): TokenPolicy {
    const { calls } = this.#line;
    return {
      name,
      contextLength: info.contextLength,
      eosIds: info.eosIds,
      generate: (request, options) => this.#generate(request, options ?? {}),
      // Nobody waits for it: a line that is cut has nothing left to free.
      release: (sequence) => void calls.release(sequence).catch(() => undefined),
    };
  }

  /** The trainer of `startTrainer`. */
  trainer(): Trainer {
    const { calls } = this.#line;
    return {
      accumulate: (batch, scale) => calls.accumulate(batch, scale),
      apply: (options) => calls.apply(options),
      discard: () => calls.discard(),
      referenceLogprobs: (sequences) =>
        calls.referenceLogprobs(sequences.map(({ ids }) => ({ ids }))),
      policyLogprobs: (sequences) => calls.policyLogprobs(sequences.map(({ ids }) => ({ ids }))),
      checkpoint: () => calls.checkpoint(),
      restore: (files) => calls.restore(files),
      exportWeights: () => calls.exportWeights(),
    };
  }

  async #generate(
    request: GenerateRequest,
    { signal, onTokens }: GenerateOptions,
  ): Promise<GenerateResult> {
    const call = `generate-${this.#calls++}`;
    if (onTokens !== undefined) this.#listeners.set(call, onTokens);
    // Only tells the other side: the call itself then ends with `cancel`.
    const abort = (): void => void this.#line.calls.abort(call).catch(() => undefined);
    try {
      const pending = this.#line.calls.generate(call, request, onTokens !== undefined);
      if (signal?.aborted === true) abort();
      signal?.addEventListener('abort', abort, { once: true });
      return await pending;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#listeners.delete(call);
    }
  }
}

/** The line, or an error that says that there is no GPU. */
export function needGpu(line: GpuLine | null): GpuLine {
  if (line !== null) return line;
  throw new DeviceError(
    'no-webgpu',
    'GPU: this browser offers no WebGPU to the page, which running or training a model needs; ' +
      'the page says how to switch it on',
  );
}
