// Answers the page: loads models, plays episodes, trains runs, reads what is kept. Runs in the agent worker.
import { oracleScript } from '../agent/policies/oracle.ts';
import type { AgentPolicy } from '../agent/run-episode.ts';
import { InputError } from '../base/errors.ts';
import { deriveSeed } from '../base/rng.ts';
import { playEpisode } from '../lab/episode.ts';
import type { EpisodeRuntime } from '../lab/runtime.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { storageUsage } from '../store/quota.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { generateTasks } from '../toolspace/tasks.ts';
import { type Experiment, experimentSchema, type Metrics } from '../trajectory/experiment.ts';
import type { Task } from '../trajectory/task.ts';
import { episodeOpener } from './episode-opener.ts';
import { GpuLine, needGpu } from './gpu-line.ts';
import type { ModelDesk } from './model-desk.ts';
import {
  type LoadedModel,
  limitsFor,
  loadedModel,
  needModel,
  summaryOf,
  tokenizerAt,
} from './models.ts';
import type {
  DeviceInfo,
  EpisodeRequest,
  Hello,
  ModelSource,
  ModelSummary,
  PageApi,
  PageEvent,
  Player,
  RunListing,
  StorageListing,
  TaskChoice,
  TraceView,
} from './protocol.ts';
import type { ServerDesk } from './server-desk.ts';
import type { Shelf } from './shelf.ts';
import { parseTrace, viewOf } from './trace-view.ts';
import { type RunLock, Training, type TrainingParts } from './training.ts';
import { fromWireError, toWireError, type WireError } from './wire-error.ts';

/** A script has no context that could be full: its limits are those of the longest tasks. */
const SCRIPT_ROOM = { contextTokens: 32_768, turnTokens: 4096 };

export interface PageDeskOptions {
  shelf: Promise<Shelf>;
  models: ModelDesk;
  servers: ServerDesk;
  emit: (event: PageEvent) => void;
  gpu: Hello['gpu'];
  lock: RunLock;
  /** Where programs run; without it episodes of ptc are refused. */
  sandbox?: Sandbox;
}

export class PageDesk implements PageApi {
  readonly #shelf: Promise<Shelf>;
  readonly #models: ModelDesk;
  readonly #servers: ServerDesk;
  readonly #emit: (event: PageEvent) => void;
  readonly #gpu: GpuLine | null;
  readonly #training: Training;
  readonly #sandbox: Sandbox | undefined;
  readonly #episodes = new Map<string, AbortController>();
  #model: LoadedModel | null = null;
  #tokenizer: Tokenizer | null = null;
  /** Where that tokenizer is from: it is read once, and is at hand when the network is not. */
  #tokenizerUrl: string | null = null;

  constructor({ shelf, models, servers, emit, gpu, lock, sandbox }: PageDeskOptions) {
    this.#sandbox = sandbox;
    this.#shelf = shelf;
    this.#models = models;
    this.#servers = servers;
    this.#emit = emit;
    this.#training = new Training(emit, lock);
    this.#gpu =
      gpu === null
        ? null
        : new GpuLine(gpu, {
            onLoading: (loadedBytes, totalBytes) =>
              emit({ kind: 'loading', loadedBytes, totalBytes }),
            onRecovery: emit,
            onLost: (error) => emit({ kind: 'lost', error: toWireError(error) }),
          });
  }

  openDevice(): Promise<DeviceInfo> {
    return needGpu(this.#gpu).calls.open();
  }

  async loadModel(source: ModelSource): Promise<ModelSummary> {
    const gpu = needGpu(this.#gpu);
    this.#refuseWhileTraining();
    await this.#training.end();
    this.#model = null;
    this.#model = loadedModel(await gpu.calls.loadModel(source));
    return summaryOf(this.#model);
  }

  async loadTokenizer(url: string): Promise<void> {
    if (url === this.#tokenizerUrl) return;
    this.#tokenizer = await tokenizerAt(url);
    this.#tokenizerUrl = url;
  }

  async drawTask(choice: TaskChoice): Promise<Task> {
    const [task] = generateTasks({ ...choice, count: 1 });
    if (task === undefined) {
      throw new InputError('no-task', `tasks: split ${choice.split} has none`);
    }
    return task;
  }

  async runEpisode(
    call: string,
    request: EpisodeRequest,
  ): Promise<{ view: TraceView; index: number }> {
    const controller = new AbortController();
    this.#episodes.set(call, controller);
    try {
      const { task, mode, seed, temperature, constrain } = request;
      if (task.source === 'user' && request.player.kind === 'oracle') {
        const message =
          'teacher: it knows the solutions of drawn tasks alone; let a model play your own request';
        throw new InputError('no-oracle', message);
      }
      const policy = await this.#policy(request.player);
      const { limits, reward } = this.#rules(request.player);
      const id = `single-${deriveSeed(task.id, seed)}`;
      const { trace } = await playEpisode(
        { task, mode, id, seed, temperature, constrain, limits, reward },
        policy,
        {
          ...this.#runtime(policy.tokenizer),
          openEpisode: await this.#opener(request, controller.signal),
        },
        {
          signal: controller.signal,
          onEvent: (_id, event) => this.#emit({ kind: 'episode', call, event }),
        },
      );
      const index = await (await this.#shelf).keepEpisode(trace);
      return { view: this.#view(trace), index };
    } finally {
      this.#episodes.delete(call);
    }
  }

  async cancel(call: string): Promise<void> {
    this.#episodes.get(call)?.abort();
  }

  async runs(): Promise<RunListing[]> {
    return (await this.#shelf).runs(this.#training.running);
  }

  async createRun(experiment: Experiment): Promise<RunListing> {
    const { info } = needModel(this.#model);
    const settings = experimentSchema.parse({ ...experiment, modelHash: info.hash });
    return (await this.#shelf).create(settings);
  }

  async advance(run: string, how: 'step' | 'run'): Promise<RunListing> {
    return this.#training.advance(run, how, await this.#trainingParts());
  }

  async #trainingParts(): Promise<TrainingParts> {
    const gpu = needGpu(this.#gpu);
    const model = needModel(this.#model);
    const policy = gpu.policy(model.info, model.info.name);
    const runtime = { ...this.#runtime(model.tokenizer), policy, trainer: gpu.trainer() };
    return { shelf: await this.#shelf, gpu, model, runtime };
  }

  async pause(run: string): Promise<void> {
    this.#training.pause(run);
  }

  stop(run: string): Promise<void> {
    return this.#training.stop(run);
  }

  async metrics(run: string): Promise<Metrics[]> {
    return (await this.#shelf).metrics(run);
  }

  async warnings(run: string): Promise<string[]> {
    return (await this.#shelf).warnings(run);
  }

  async traces(run: string, from: number, count: number): ReturnType<PageApi['traces']> {
    return (await this.#shelf).traces(run, from, count);
  }

  async trace(run: string, index: number): Promise<TraceView> {
    return this.#view(await (await this.#shelf).trace(run, index));
  }

  async viewTrace(text: string): Promise<TraceView> {
    return this.#view(parseTrace(text));
  }

  async adapterZip(run: string): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#shelf).adapterZip(run);
  }

  async removeRun(run: string): Promise<void> {
    await this.#training.stop(run);
    await (await this.#shelf).remove(run);
  }

  storage(): Promise<StorageListing> {
    return storageUsage(navigator.storage);
  }

  models(): ReturnType<PageApi['models']> {
    return this.#models.models();
  }

  findModels(place: string): ReturnType<PageApi['findModels']> {
    return this.#models.findModels(place);
  }

  addModel(...args: Parameters<PageApi['addModel']>): ReturnType<PageApi['addModel']> {
    return this.#models.addModel(...args);
  }

  resumeModel(...args: Parameters<PageApi['resumeModel']>): ReturnType<PageApi['resumeModel']> {
    return this.#models.resumeModel(...args);
  }

  importModel(...args: Parameters<PageApi['importModel']>): ReturnType<PageApi['importModel']> {
    return this.#models.importModel(...args);
  }

  cancelModel(name: string): Promise<void> {
    return this.#models.cancelModel(name);
  }

  planRun(...args: Parameters<PageApi['planRun']>): ReturnType<PageApi['planRun']> {
    return this.#models.planRun(...args);
  }

  removeModel(name: string): Promise<void> {
    return this.#models.removeModel(name);
  }

  ownServers(): ReturnType<PageApi['ownServers']> {
    return this.#servers.ownServers();
  }

  addServer(...args: Parameters<PageApi['addServer']>): ReturnType<PageApi['addServer']> {
    return this.#servers.addServer(...args);
  }

  setAccess(...args: Parameters<PageApi['setAccess']>): Promise<void> {
    return this.#servers.setAccess(...args);
  }

  connectServer(name: string): ReturnType<PageApi['connectServer']> {
    return this.#servers.connectServer(name);
  }

  cancelServer(name: string): Promise<void> {
    return this.#servers.cancelServer(name);
  }

  checkServer(name: string): ReturnType<PageApi['checkServer']> {
    return this.#servers.checkServer(name);
  }

  signOutServer(name: string): ReturnType<PageApi['signOutServer']> {
    return this.#servers.signOutServer(name);
  }

  removeServer(name: string): Promise<void> {
    return this.#servers.removeServer(name);
  }

  builtInServers(toolspace: string): Promise<string[]> {
    return this.#servers.builtInServers(toolspace);
  }

  ownTask(...args: Parameters<PageApi['ownTask']>): Promise<Task> {
    return this.#servers.ownTask(...args);
  }

  async gpuDied(error: WireError): Promise<void> {
    this.#gpu?.cut(fromWireError(error));
  }

  #view(trace: Parameters<typeof viewOf>[0]): TraceView {
    const tokenizers = [this.#model?.tokenizer, this.#tokenizer];
    return viewOf(
      trace,
      tokenizers.filter((tokenizer) => tokenizer != null),
    );
  }

  /** Limits and reward weights of a single episode. */
  #rules(player: Player): Pick<Experiment, 'limits' | 'reward'> {
    const { limits, reward } = experimentSchema.shape;
    const model = this.#model;
    const ofModel = model === null ? limits.parse(undefined) : limitsFor(model);
    return {
      limits: player.kind === 'oracle' ? { ...ofModel, ...SCRIPT_ROOM } : ofModel,
      reward: reward.parse(undefined),
    };
  }

  /** Without a model (the oracle on a page without WebGPU) prompts are those of the shipped ones. */
  #runtime(tokenizer: Tokenizer): EpisodeRuntime {
    const { promptStyle = 'compact', schemaStyle = 'signature' } = this.#model ?? {};
    return {
      tokenizer,
      promptStyle,
      schemaStyle,
      ...(this.#sandbox === undefined ? {} : { sandbox: this.#sandbox }),
      openEpisode: episodeOpener(),
    };
  }

  /** How an episode reaches the built-in servers and the user's own. */
  async #opener(
    { serversUrl, ownServers = [] }: EpisodeRequest,
    signal: AbortSignal,
  ): Promise<EpisodeRuntime['openEpisode']> {
    return episodeOpener(serversUrl, await this.#servers.connectable(ownServers, signal));
  }

  async #policy(player: Player): Promise<AgentPolicy> {
    if (player.kind === 'oracle') {
      const tokenizer = this.#model?.tokenizer ?? this.#tokenizer;
      if (tokenizer === null) {
        throw new InputError(
          'no-tokenizer',
          'teacher: no model file was read; choose a model first',
        );
      }
      return { kind: 'scripted', policy: oracleScript(), tokenizer };
    }
    const gpu = needGpu(this.#gpu);
    const { info, tokenizer } = needModel(this.#model);
    this.#refuseWhileTraining();
    await this.#training.end();
    const { adapterOf } = player;
    const files = adapterOf === undefined ? null : await (await this.#shelf).adapter(adapterOf);
    await gpu.calls.setAdapter(files);
    const name = adapterOf === undefined ? info.name : `${info.name} + ${adapterOf}`;
    return { kind: 'tokens', policy: gpu.policy(info, name), tokenizer };
  }

  #refuseWhileTraining(): void {
    const { running } = this.#training;
    if (running === null) return;
    throw new InputError('busy', `run ${running}: it trains the model; pause it first`);
  }
}
