// The model that a run trains or an adapter belongs to: found again among those that come with the page and those of its store.
import { InputError } from '../../base/errors.ts';
import { SHIPPED_MODELS } from '../../base/shipped-models.ts';
import type { Experiment } from '../../trajectory/experiment.ts';
import type { ModelSource, ModelSummary } from '../../workers/client.ts';
import type { BaseModel } from '../logic/preset.ts';
import { api, model, needModel, pageFile } from './session.ts';

/** What a loaded model is known by. */
export function keyOf(base: BaseModel): string {
  return base.kind === 'shipped' ? base.name : `stored:${base.name}:${base.hash}`;
}

export function sourceOf(base: BaseModel): ModelSource {
  if (base.kind === 'stored') return { kind: 'stored', name: base.name };
  return { kind: 'url', url: pageFile(`models/${base.name}.gguf`) };
}

/**
 * Loads the model of an experiment: one that comes with the page by its name, any other by its hash.
 * @throws {InputError} when it is neither kept nor at hand.
 */
export async function needBase({
  model: name,
  modelHash: hash,
}: Pick<Experiment, 'model' | 'modelHash'>): Promise<ModelSummary> {
  const base = await findBase(name, hash);
  if (base !== null) return needModel(keyOf(base), sourceOf(base));
  const atHand = model.value?.summary;
  if (atHand !== undefined && atHand.hash === hash) return atHand;
  throw new InputError(
    'run-model',
    `run: it is of ${name}; add that file on the Models page first`,
  );
}

async function findBase(name: string, hash: string | undefined): Promise<BaseModel | null> {
  const shipped = SHIPPED_MODELS.find((item) => item === name);
  if (shipped !== undefined) return { kind: 'shipped', name: shipped };
  const stored = (await api().models()).find((item) => item.hash !== null && item.hash === hash);
  return stored?.hash == null ? null : { kind: 'stored', name: stored.name, hash: stored.hash };
}
