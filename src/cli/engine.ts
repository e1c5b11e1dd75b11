// What commands with a model have in common: a device, the model on it, and a policy that samples from it.
import type { AgentPolicy } from '../agent/agent-policy.ts';
import type { PromptStyle, SchemaStyle } from '../agent/prompt.ts';
import { InputError } from '../base/errors.ts';
import { freeAdapter, uploadAdapter } from '../engine/adapter-weights.ts';
import { Decoder } from '../engine/decoder.ts';
import { cacheSizeFor, KvCache } from '../engine/kv-cache.ts';
import { loadModel } from '../engine/load-model.ts';
import { assertIds, type Model } from '../engine/model.ts';
import { EnginePolicy } from '../engine/policy.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Flags } from './flags.ts';
import { type OpenedModel, openAdapter, openModel, tokenizerOf } from './models.ts';
import { openNodeGpu } from './node-gpu.ts';

export interface Engine {
  readonly gpu: Gpu;
  readonly opened: OpenedModel;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly decoder: Decoder;
  readonly policy: EnginePolicy;
  /** The most that the process held itself while the model was loaded: heap and buffers, without the device's. */
  readonly hostPeakBytes: number;
  close(): void;
}

/** A model file and its tokenizer, before any device is opened. */
export type Seen = Pick<Engine, 'opened' | 'tokenizer'>;

/**
 * Opens a model and a device for it; with `--adapter` the adapter is on.
 * @param check refuses what the command cannot do with this model. It runs before the device is opened, since drivers
 * write notes of their own to stderr, where bad input is worth one line.
 */
export async function openEngine(
  name: string,
  flags: Flags,
  check: (seen: Seen) => void = () => undefined,
): Promise<Engine> {
  const opened = await openModel(name);
  const tokenizer = tokenizerOf(opened);
  check({ opened, tokenizer });
  const folder = flags.text('adapter');
  const adapter = folder === undefined ? null : await openAdapter(folder, opened);
  const gpu = await openNodeGpu(flags);
  let hostPeakBytes = 0;
  const onProgress = () => {
    const { heapUsed, external } = process.memoryUsage();
    hostPeakBytes = Math.max(hostPeakBytes, heapUsed + external);
  };
  const model = await loadModel(gpu, opened.file, opened.hash, { onProgress });
  const cache = new KvCache(gpu, model.config, cacheSizeFor(model.config));
  const decoder = new Decoder(gpu, model, cache);
  const weights = adapter === null ? null : uploadAdapter(gpu, adapter);
  decoder.setAdapter(weights);
  const policy = new EnginePolicy(name, decoder, tokenizer.eosIds, tokenizer);
  return {
    gpu,
    opened,
    model,
    tokenizer,
    decoder,
    policy,
    hostPeakBytes,
    close() {
      if (weights !== null) freeAdapter(gpu, weights);
      gpu.destroy();
    },
  };
}

/**
 * Checks a prompt against a model.
 * @throws {InputError} when it is empty or leaves no room for `more` tokens, {ModelFileError} for an id out of range.
 */
export function checkPrompt(
  where: string,
  ids: readonly number[],
  { config }: OpenedModel,
  more = 0,
): void {
  if (ids.length === 0) {
    throw new InputError('prompt', `${where}: got an empty prompt, need at least one token`);
  }
  assertIds(ids, config, where);
  const { context } = cacheSizeFor(config);
  if (ids.length + more <= context) return;
  const room = more === 0 ? '' : ` and room for ${more} more`;
  throw new InputError(
    'context',
    `${where}: got ${ids.length} ids${room}, the context holds ${context}; give fewer`,
  );
}

/** How a model wants prompts and schemas, as its file says. */
export function stylesOfFile({ file }: Pick<OpenedModel, 'file'>): {
  promptStyle: PromptStyle;
  schemaStyle: SchemaStyle;
} {
  return {
    promptStyle: file.values['pocket_atlas.prompt_style'] === 'compact' ? 'compact' : 'full',
    schemaStyle: file.values['pocket_atlas.schema_style'] === 'signature' ? 'signature' : 'json',
  };
}

/** The toolspace that a model was made for, or null. */
export function toolspaceOfFile({ file }: Pick<OpenedModel, 'file'>): string | null {
  const name = file.values['pocket_atlas.toolspace'];
  return typeof name === 'string' ? name : null;
}

/** The engine as a policy of agents. */
export function agentPolicyOf({
  policy,
  tokenizer,
}: Pick<Engine, 'policy' | 'tokenizer'>): AgentPolicy {
  return { kind: 'tokens', policy, tokenizer };
}
