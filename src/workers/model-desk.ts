// The page's calls about models that it keeps. Runs in the agent worker, so that a download does not wait for the GPU.

import { SHIPPED_MODELS } from '../base/shipped-models.ts';
import type { DirectoryHandle } from '../store/directory.ts';
import type { Net } from '../store/http.ts';
import { findOffers, HUGGING_FACE, type ModelOffer } from '../store/model-offers.ts';
import { openStoredModel } from '../store/model-record.ts';
import { type AddOptions, type ModelListing, ModelStore } from '../store/model-store.ts';
import { planTraining, type TrainingPlan } from '../train/plan-training.ts';
import type { Experiment } from '../trajectory/experiment.ts';
import { blobSource, urlSource } from '../weights/byte-source.ts';
import { type GgufFile, readGguf } from '../weights/gguf.ts';
import { modelConfig } from '../weights/model-config.ts';
import type { Quantise } from '../weights/quantised-tensor.ts';
import { trainingLimits } from './models.ts';
import type { ModelSource, PageApi, PageEvent } from './protocol.ts';

export interface ModelDeskOptions {
  /** The root of OPFS. */
  root: Promise<DirectoryHandle>;
  net: Net;
  emit: (event: PageEvent) => void;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Address of the model hub, without a slash at the end. */
  hub?: string;
}

type ModelCalls = Pick<
  PageApi,
  | 'models'
  | 'findModels'
  | 'addModel'
  | 'resumeModel'
  | 'importModel'
  | 'cancelModel'
  | 'removeModel'
  | 'planRun'
>;

export class ModelDesk implements ModelCalls {
  readonly #options: ModelDeskOptions;
  readonly #store: Promise<ModelStore>;
  /** Never aborted: a model's work ends by `cancelModel`. */
  readonly #signal = new AbortController().signal;

  constructor(options: ModelDeskOptions) {
    this.#options = options;
    const { root, net } = options;
    this.#store = root.then(
      (folder) => new ModelStore({ root: folder, net, reserved: SHIPPED_MODELS }),
    );
    // Every call that needs it tells of its failure.
    this.#store.catch(() => undefined);
  }

  async models(): Promise<ModelListing[]> {
    return (await this.#store).list();
  }

  findModels(place: string): Promise<ModelOffer[]> {
    const { net, hub = HUGGING_FACE } = this.#options;
    return findOffers(place, { net, hub, signal: this.#signal });
  }

  async planRun(
    source: ModelSource,
    settings: Pick<Experiment, 'adapter' | 'memory'>,
  ): Promise<TrainingPlan> {
    const file = await this.#header(source);
    const config = modelConfig(file);
    const limits = trainingLimits(file.values, config.contextLength);
    return planTraining({ ...settings, limits, optimiser: {} }, file, config);
  }

  /** A file of which only the header is read. */
  async #header(source: ModelSource): Promise<GgufFile> {
    if (source.kind === 'stored') {
      return (await openStoredModel(await this.#options.root, source.name)).file;
    }
    if (source.kind === 'file') return readGguf(blobSource(source.file, source.file.name));
    return readGguf(await urlSource(source.url));
  }

  async addModel(call: string, offer: ModelOffer): Promise<ModelListing> {
    return (await this.#store).add(offer, this.#options.now(), this.#adding(call));
  }

  async resumeModel(call: string, name: string): Promise<ModelListing> {
    return (await this.#store).resume(name, this.#adding(call));
  }

  async importModel(
    call: string,
    files: readonly File[],
    quantise?: Quantise,
  ): Promise<ModelListing> {
    const adding = { ...this.#adding(call), quantise };
    return (await this.#store).importFiles(files, this.#options.now(), adding);
  }

  async cancelModel(name: string): Promise<void> {
    await (await this.#store).cancel(name);
  }

  async removeModel(name: string): Promise<void> {
    await (await this.#store).remove(name);
  }

  #adding(call: string): AddOptions {
    const { emit } = this.#options;
    return {
      signal: this.#signal,
      onProgress: (progress) => emit({ kind: 'model', call, progress }),
    };
  }
}
