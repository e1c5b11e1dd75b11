// The model at hand in the agent worker: its file is on the GPU side, its tokenizer and its wishes for prompts are here.
import type { PromptStyle, SchemaStyle } from '../agent/prompt.ts';
import { InputError } from '../base/errors.ts';
import { type Tokenizer, tokenizerFromMetadata } from '../tokenizer/tokenizer.ts';
import { type Experiment, experimentSchema } from '../trajectory/experiment.ts';
import { urlSource } from '../weights/byte-source.ts';
import { readGguf } from '../weights/gguf.ts';
import type { ModelInfo, ModelSummary } from './protocol.ts';

export interface LoadedModel {
  info: ModelInfo;
  tokenizer: Tokenizer;
  promptStyle: PromptStyle;
  schemaStyle: SchemaStyle;
  toolspace: string;
}

const DEFAULT_TOOLSPACE = 'core';
/** Limits of one episode for models that were not made for this project's own. */
const LARGE_CONTEXT_TOKENS = 8192;
const LARGE_TURN_TOKENS = 1024;
const TRAINING_CONTEXT_TOKENS = 4096;
const TRAINING_TURN_TOKENS = 512;

/** A model as the agent uses it. @throws {ModelFileError} for a tokenizer that cannot be used. */
export function loadedModel(info: ModelInfo): LoadedModel {
  const { metadata } = info;
  return {
    info,
    tokenizer: tokenizerFromMetadata(metadata),
    promptStyle: isCompact(metadata) ? 'compact' : 'full',
    schemaStyle: metadata['pocket_atlas.schema_style'] === 'signature' ? 'signature' : 'json',
    toolspace: toolspaceOf(metadata),
  };
}

function toolspaceOf(metadata: ModelInfo['metadata']): string {
  const named = metadata['pocket_atlas.toolspace'];
  return typeof named === 'string' ? named : DEFAULT_TOOLSPACE;
}

/** Limits of the episodes that a model is trained on: its gradients need more room than its play. */
export function trainingLimits(
  metadata: ModelInfo['metadata'],
  contextLength: number,
): Experiment['limits'] {
  const limits = experimentSchema.shape.limits.parse(undefined);
  const contextTokens = isCompact(metadata) ? limits.contextTokens : TRAINING_CONTEXT_TOKENS;
  const turnTokens = isCompact(metadata) ? limits.turnTokens : TRAINING_TURN_TOKENS;
  return { ...limits, contextTokens: Math.min(contextTokens, contextLength), turnTokens };
}

function isCompact(metadata: ModelInfo['metadata']): boolean {
  return metadata['pocket_atlas.prompt_style'] === 'compact';
}

/** What the page shows of a model: plain numbers and names. */
export function summaryOf(model: LoadedModel): ModelSummary {
  const { metadata: _metadata, eosIds: _eosIds, ...shown } = model.info;
  const { contextTokens } = limitsFor(model);
  const episodeTokens = Math.min(contextTokens, shown.contextLength);
  const training = trainingLimits(model.info.metadata, shown.contextLength);
  return { ...shown, toolspace: model.toolspace, episodeTokens, trainingLimits: training };
}

/** Limits of a single episode: the defaults for small models, more room for others. */
export function limitsFor({ promptStyle, info }: LoadedModel): Experiment['limits'] {
  const limits = experimentSchema.shape.limits.parse(undefined);
  if (promptStyle === 'compact') return limits;
  const contextTokens = Math.min(info.contextLength, LARGE_CONTEXT_TOKENS);
  return { ...limits, contextTokens, turnTokens: LARGE_TURN_TOKENS };
}

/** Reads the tokenizer of a model file, and nothing else of it. */
export async function tokenizerAt(url: string): Promise<Tokenizer> {
  const file = await readGguf(await urlSource(url));
  return tokenizerFromMetadata(file.values);
}

/** @throws {InputError} when no model was loaded yet. */
export function needModel(model: LoadedModel | null): LoadedModel {
  if (model !== null) return model;
  throw new InputError('no-model', 'model: none is loaded; choose one first');
}
