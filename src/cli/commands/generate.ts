// `atlas generate`: continuations of a prompt, with their log-probabilities, times and counts.
import { InputError } from '../../base/errors.ts';
import { deriveSeed } from '../../base/rng.ts';
import { MAX_SAMPLES } from '../../engine/decoder.ts';
import { renderChat } from '../../tokenizer/chat-template.ts';
import { NANO_TEMPLATE } from '../../tokenizer/nano-template.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { GenerateResult } from '../../trajectory/interfaces.ts';
import { checkPrompt, type Engine, openEngine } from '../engine.ts';
import { Flags, parseIds } from '../flags.ts';
import { DEVICE_FLAGS } from '../node-gpu.ts';
import { printJson } from '../output.ts';

const FLAGS = {
  prompt: 'string',
  chat: 'string',
  ids: 'string',
  'max-tokens': 'string',
  temperature: 'string',
  'top-k': 'string',
  'top-p': 'string',
  seed: 'string',
  n: 'string',
  adapter: 'string',
  kv: 'string',
  activations: 'string',
  'ignore-eos': 'boolean',
  stop: 'strings',
  ...DEVICE_FLAGS,
} as const;

/** The ids that one of --prompt, --chat and --ids stands for. */
function promptIds(flags: Flags, tokenizer: Tokenizer): number[] {
  const given = ['prompt', 'chat', 'ids'].filter((name) => flags.has(name));
  if (given.length !== 1) {
    throw new InputError(
      'flags',
      `generate: got ${given.length} of --prompt, --chat and --ids, need exactly one`,
    );
  }
  const ids = flags.text('ids');
  if (ids !== undefined) return parseIds('generate', ids);
  const prompt = flags.text('prompt');
  if (prompt !== undefined) return tokenizer.encode(prompt, { special: false });
  const text = renderChat(tokenizer.chatTemplate ?? NANO_TEMPLATE, {
    messages: [{ role: 'user', content: flags.text('chat') ?? '' }],
    addGenerationPrompt: true,
    bosToken: tokenizer.bosToken,
    eosToken: tokenizer.eosToken,
  });
  return tokenizer.encode(text, { special: true });
}

interface Counted {
  results: GenerateResult[];
  /** Objects made after the first sampled token of the last completion to begin. */
  bindGroups: number;
  buffers: number;
}

/** The flags of sampling, checked. */
function settingsOf(flags: Flags) {
  flags.required('max-tokens');
  const n = flags.integer('n', 1, 1, MAX_SAMPLES);
  const seed = flags.integer('seed', 0);
  const stop = flags.texts('stop');
  if (stop.includes('')) {
    throw new InputError('flags', 'generate: --stop: got an empty text, need one to stop at');
  }
  const request = {
    maxTokens: flags.integer('max-tokens', 0, 1),
    temperature: flags.number('temperature', 0, 0),
    topK: flags.integer('top-k', 0),
    topP: flags.number('top-p', 1, 0, 1),
    ignoreEos: flags.has('ignore-eos'),
    stop,
  };
  return { n, seed, request };
}

async function sampleAll(
  engine: Engine,
  { n, seed, request }: ReturnType<typeof settingsOf>,
  ids: readonly number[],
): Promise<Counted> {
  let begun = 0;
  const count = () => ({
    gpu: engine.gpu,
    bindGroups: engine.gpu.pipelines.bindGroupsCreated,
    buffers: engine.gpu.buffersCreated,
  });
  let warm = count();
  const one = async (i: number): Promise<GenerateResult> => {
    let tokens = 0;
    const result = await engine.policy.generate(
      { ...request, ids, sequence: `completion-${i}`, seed: deriveSeed(seed, i) },
      {
        onTokens: () => {
          tokens += 1;
          // The second token is the first of a pure decode step, which makes its plan.
          if (tokens === 2) {
            begun += 1;
            if (begun === n) warm = count();
          }
        },
      },
    );
    return result;
  };
  const results = await Promise.all(Array.from({ length: n }, (_, i) => one(i)));
  const end = count();
  // On another device than at first the counts began anew.
  if (begun < n || warm.gpu !== end.gpu) return { results, bindGroups: 0, buffers: 0 };
  return {
    results,
    bindGroups: end.bindGroups - warm.bindGroups,
    buffers: end.buffers - warm.buffers,
  };
}

export async function generate(argv: readonly string[]): Promise<void> {
  const flags = new Flags('generate', argv, FLAGS);
  const name = flags.positional(0, 'model');
  const settings = settingsOf(flags);
  let ids: number[] = [];
  const engine = await openEngine(name, flags, (seen) => {
    ids = promptIds(flags, seen.tokenizer);
    checkPrompt('generate', ids, seen.opened, 1);
  });
  const { tokenizer, policy } = engine;
  const { results, bindGroups, buffers } = await sampleAll(engine, settings, ids);
  const { prefillTokens, prefillMs, decodeTokens, decodeMs } = policy.counters;
  printJson({
    completions: results.map((result) => ({
      ids: result.ids,
      text: tokenizer.decode(result.ids, { skipSpecial: true }),
      logprobs: result.logprobs,
      finish: result.finish,
    })),
    timing: { prefillTokens, prefillMs, decodeTokens, decodeMs },
    counts: {
      dispatchesPerToken: engine.decoder.lastDispatches,
      bindGroupsPerToken: decodeTokens === 0 ? 0 : bindGroups / decodeTokens,
      buffersAfterWarmup: buffers,
    },
    memory: { hostPeakBytes: engine.hostPeakBytes, devicePeakBytes: engine.gpu.peakBytes },
  });
  engine.close();
}
