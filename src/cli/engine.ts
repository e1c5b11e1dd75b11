// What commands with a model have in common: a device, the model on it, and a policy that samples from it.
import type { AgentPolicy } from '../agent/agent-policy.ts';
import type { PromptStyle, SchemaStyle } from '../agent/prompt.ts';
import { freeAdapter, uploadAdapter } from '../engine/adapter-weights.ts';
import { Decoder } from '../engine/decoder.ts';
import { cacheSizeFor, KvCache } from '../engine/kv-cache.ts';
import { loadModel, type Model } from '../engine/model.ts';
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
  close(): void;
}

/** Opens a model and a device for it; with `--adapter` the adapter is on. */
export async function openEngine(name: string, flags: Flags): Promise<Engine> {
  const opened = await openModel(name);
  const tokenizer = tokenizerOf(opened);
  const folder = flags.text('adapter');
  const adapter = folder === undefined ? null : await openAdapter(folder, opened);
  const gpu = await openNodeGpu(flags);
  const model = await loadModel(gpu, opened.file, opened.hash);
  const cache = new KvCache(gpu, model.config, cacheSizeFor(model.config));
  const decoder = new Decoder(gpu, model, cache);
  const weights = adapter === null ? null : uploadAdapter(gpu, adapter);
  decoder.setAdapter(weights);
  const policy = new EnginePolicy(name, decoder, tokenizer.eosIds);
  return {
    gpu,
    opened,
    model,
    tokenizer,
    decoder,
    policy,
    close() {
      if (weights !== null) freeAdapter(gpu, weights);
      gpu.destroy();
    },
  };
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
