// llama.cpp in a page, on the CPU: the second opinion on tokens and log-probabilities.
// Must not know our engine.
import { LoggerWithoutDebug, LogLevel, Wllama } from '@wllama/wllama/esm/index.js';
import wasmUrl from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import { z } from 'zod';

/** What llama.cpp says of the position before one generated token. */
export interface PeerStep {
  /** The token that it chose. */
  readonly id: number;
  /** (V) log-probabilities; NaN for tokens that were not asked for. */
  readonly logprobs: Float64Array;
}

export interface PeerAnswer {
  readonly promptTokens: number;
  /** As many as asked for, fewer when the last is an end token. */
  readonly steps: readonly PeerStep[];
}

const answerSchema = z.object({
  usage: z.object({ prompt_tokens: z.number() }),
  choices: z.tuple([
    z.object({
      logprobs: z.object({
        content: z.array(
          z.object({
            id: z.number(),
            top_logprobs: z.array(z.object({ id: z.number(), logprob: z.number() })),
          }),
        ),
      }),
    }),
  ]),
});

/** Where wllama puts the second of two files. */
const LORA_PATH = 'models/model-00002-of-00002.gguf';

/** A model file opened by llama.cpp: F32 keys and values, plain attention, one thread. */
export class LlamaCpp {
  readonly #wllama: Wllama;
  readonly #vocab: number;

  private constructor(wllama: Wllama) {
    this.#wllama = wllama;
    this.#vocab = wllama.getModelMetadata().hparams.nVocab;
  }

  /** @param lora an adapter as a GGUF file, switched on. */
  static async open(
    file: Uint8Array<ArrayBuffer>,
    lora: Uint8Array<ArrayBuffer> | null = null,
  ): Promise<LlamaCpp> {
    const quiet = { ...LoggerWithoutDebug, log: () => undefined };
    const wllama = new Wllama({ default: wasmUrl }, { logger: quiet });
    // Otherwise a browser that lacks something gets another build from the network.
    wllama.setCompat(null);
    // Files of one call stand side by side, under names as of shards; a model that says nothing of shards is one file.
    const files = lora === null ? [file] : [file, lora];
    const adapters = lora === null ? {} : { lora_adapters: [{ path: LORA_PATH }] };
    await wllama.loadModel(
      files.map((bytes) => new Blob([bytes])),
      {
        ...adapters,
        n_ctx: 512,
        n_parallel: 1,
        n_threads: 1,
        n_gpu_layers: 0,
        cache_type_k: 'f32',
        cache_type_v: 'f32',
        flash_attn: false,
        warmup: false,
        log_level: LogLevel.ERROR,
      },
    );
    return new LlamaCpp(wllama);
  }

  /**
   * The most likely continuation of a text, with the log-probabilities of the `most` likeliest
   * tokens. Special tokens in the text are parsed. wllama fails when one of those tokens is a part of
   * a UTF-8 character.
   */
  async complete(text: string, count: number, most = this.#vocab): Promise<PeerAnswer> {
    const answer = await this.#wllama.createCompletion({
      prompt: text,
      max_tokens: count,
      temperature: 0,
      n_probs: most,
      stream: false,
    });
    const { usage, choices } = answerSchema.parse(answer);
    const steps = choices[0].logprobs.content.map(({ id, top_logprobs }) => {
      const logprobs = new Float64Array(this.#vocab).fill(Number.NaN);
      for (const entry of top_logprobs) logprobs[entry.id] = entry.logprob;
      return { id, logprobs };
    });
    return { promptTokens: usage.prompt_tokens, steps };
  }

  async close(): Promise<void> {
    await this.#wllama.exit();
  }
}
