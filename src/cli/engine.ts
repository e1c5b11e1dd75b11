// What commands with a model have in common: a device, the model on it, and a policy that samples from it.
import type { AgentPolicy } from '../agent/agent-policy.ts';
import type { PromptStyle, SchemaStyle } from '../agent/prompt.ts';
import { InputError } from '../base/errors.ts';
import type { Decoder } from '../engine/decoder.ts';
import { cacheSizeFor } from '../engine/kv-cache.ts';
import { LastingEngine, type Recovery } from '../engine/lasting-engine.ts';
import { assertIds } from '../engine/model.ts';
import type { EnginePolicy } from '../engine/policy.ts';
import { ACTIVATIONS } from '../engine/step-layer.ts';
import type { Gpu } from '../gpu/device.ts';
import { KV_TYPES, type KvType } from '../kernels/attention-cached.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { openAdapter } from './adapters.ts';
import type { Flags } from './flags.ts';
import { type OpenedModel, openModel, tokenizerOf } from './models.ts';
import { nodeGpuSupply } from './node-gpu.ts';
import { note } from './output.ts';

export interface Engine {
  readonly opened: OpenedModel;
  readonly tokenizer: Tokenizer;
  readonly lasting: LastingEngine;
  readonly policy: EnginePolicy;
  /** What is in use now: after a lost device there are others. */
  readonly gpu: Gpu;
  readonly decoder: Decoder;
  /** The most that the process held itself while the model was loaded: heap and buffers, without the device's. */
  readonly hostPeakBytes: number;
  close(): void;
}

/** A model file and its tokenizer, before any device is opened. */
export type Seen = Pick<Engine, 'opened' | 'tokenizer'>;

/**
 * Opens a model and a device for it; with `--adapter` the adapter is on, `--activations` says what is rounded.
 * @param check refuses what the command cannot do with this model. It runs before the device is opened, since drivers
 * write notes of their own to stderr, where bad input is worth one line.
 * @param kvType how keys and values are kept, by default as `--kv` says.
 */
export async function openEngine(
  name: string,
  flags: Flags,
  check: (seen: Seen) => void | Promise<void> = () => undefined,
  kvType: KvType = flags.choice('kv', KV_TYPES, 'f32'),
): Promise<Engine> {
  const activations = flags.choice('activations', ACTIVATIONS, 'f32');
  const opened = await openModel(name);
  const tokenizer = tokenizerOf(opened);
  await check({ opened, tokenizer });
  const folder = flags.text('adapter');
  const adapter = folder === undefined ? null : await openAdapter(folder, opened);
  const supply = nodeGpuSupply(flags);
  let hostPeakBytes = 0;
  const onProgress = () => {
    const { heapUsed, external } = process.memoryUsage();
    hostPeakBytes = Math.max(hostPeakBytes, heapUsed + external);
  };
  const { file, hash } = opened;
  const lasting = await LastingEngine.open(
    supply,
    { name, file, hash, eosIds: tokenizer.eosIds, tokenizer: () => tokenizer },
    { onProgress, onRecovery: noteRecovery, kvType, activations },
  );
  if (adapter !== null) await lasting.setAdapter(adapter);
  return {
    opened,
    tokenizer,
    lasting,
    policy: lasting.policy,
    hostPeakBytes,
    get gpu() {
      return lasting.parts.gpu;
    },
    get decoder() {
      return lasting.parts.decoder;
    },
    close: () => void supply.close(),
  };
}

function noteRecovery(recovery: Recovery): void {
  if (recovery.state === 'begun') note(`${recovery.error.message.split(';')[0]}; opening another`);
  if (recovery.state === 'done') note('GPU: the model was loaded again, the work goes on');
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
