// What pretraining reads: an endless stream of copy drills and teacher episodes, each a function of
// (seed, phase, index), cut into steps. Must not know who trains on it.
import { AtlasError, InputError } from '../base/errors.ts';
import { deriveSeed, Rng } from '../base/rng.ts';
import { type LossOn, sftSequence } from '../rl/sft.ts';
import { renderChat } from '../tokenizer/chat-template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { primerDrills } from '../toolspace/primer.ts';
import { generateTasks } from '../toolspace/tasks.ts';
import type { TrainSequence } from '../trajectory/batch.ts';
import { experimentSchema, type PretrainExperiment } from '../trajectory/experiment.ts';
import type { Task } from '../trajectory/task.ts';
import type { Mode } from '../trajectory/trace.ts';

import type { EpisodeRuntime } from './runtime.ts';
import { teach } from './teacher.ts';

type Phase = PretrainExperiment['phases'][number];

/** Where the stream stands: the phase, the next item in it, tokens seen in it and in all. */
export interface PretrainCursor {
  phase: number;
  item: number;
  phaseTokens: number;
  seen: number;
}

/** The data of one step. `after` is where the stream stands behind it. */
export interface PretrainStep {
  phase: number;
  sequences: TrainSequence[];
  after: PretrainCursor;
}

const DRILLS_A_BLOCK = 256;
const TASKS_A_BLOCK = 64;
/** Episodes in a row that may not fit the context before the run gives up. */
const MISFITS = 200;

/**
 * A drill as one user turn and its answer through the model's template.
 * @returns mask 1 on the answer and its end token, or with `all` on every token but the first.
 */
export function drillSequence(
  tokenizer: Tokenizer,
  drill: { prompt: string; answer: string },
  lossOn: LossOn,
): TrainSequence {
  const template = tokenizer.chatTemplate;
  if (template === null) {
    throw new InputError(
      'pretrain-template',
      'pretrain: got a tokenizer without a chat template, need one; give nano as `init`',
    );
  }
  const head = renderChat(template, {
    messages: [{ role: 'user', content: drill.prompt }],
    addGenerationPrompt: true,
    bosToken: tokenizer.bosToken,
    eosToken: tokenizer.eosToken,
  });
  const prompt = tokenizer.encode(head, { special: true });
  const end = tokenizer.eosIds[0];
  if (end === undefined) throw new AtlasError('pretrain-eos', 'pretrain: the tokenizer has no end');
  const answer = [...tokenizer.encode(drill.answer, { special: false }), end];
  const ids = [...prompt, ...answer];
  const first = lossOn === 'all' ? 1 : prompt.length;
  return { ids, mask: ids.map((_, t) => (t >= first ? 1 : 0)), advantage: 0 };
}

/** The stream of one pretraining experiment. */
export class PretrainData {
  readonly #experiment: PretrainExperiment;
  readonly #runtime: EpisodeRuntime;
  readonly #limits;
  #drills: { key: string; list: { prompt: string; answer: string }[] } = { key: '', list: [] };
  #tasks: { key: string; list: Task[] } = { key: '', list: [] };

  constructor(experiment: PretrainExperiment, runtime: EpisodeRuntime) {
    this.#experiment = experiment;
    this.#runtime = runtime;
    const { limits } = experimentSchema.shape;
    const defaults = limits.parse(undefined);
    const contextTokens = experiment.architecture?.contextLength ?? defaults.contextTokens;
    this.#limits = { ...defaults, contextTokens };
  }

  /** Tokens of all phases. */
  get totalTokens(): number {
    return this.#experiment.phases.reduce((sum, phase) => sum + phase.tokens, 0);
  }

  /** The step that begins at `cursor`; null behind the last phase. */
  async step(cursor: PretrainCursor): Promise<PretrainStep | null> {
    const at = this.#atPhase(cursor);
    const phase = this.#experiment.phases[at.phase];
    if (phase === undefined) return null;
    const sequences: TrainSequence[] = [];
    let tokens = 0;
    let item = at.item;
    for (let misfits = 0; ; ) {
      const sequence = await this.#sequence(phase, at.phase, item);
      if (sequence === null) {
        item++;
        if (++misfits >= MISFITS) this.#refuse(phase);
        continue;
      }
      if (sequences.length > 0 && tokens + sequence.ids.length > phase.tokensPerStep) break;
      sequences.push(sequence);
      tokens += sequence.ids.length;
      item++;
      if (tokens >= phase.tokensPerStep) break;
    }
    const after = { ...at, item, phaseTokens: at.phaseTokens + tokens, seen: at.seen + tokens };
    return { phase: at.phase, sequences, after };
  }

  /** Moves on to the next phase when the one at hand has had its tokens. */
  #atPhase(cursor: PretrainCursor): PretrainCursor {
    const phase = this.#experiment.phases[cursor.phase];
    if (phase === undefined || cursor.phaseTokens < phase.tokens) return cursor;
    return { phase: cursor.phase + 1, item: 0, phaseTokens: 0, seen: cursor.seen };
  }

  #refuse(phase: Phase): never {
    throw new InputError(
      'pretrain-context',
      `phases.${phase.kind}: got ${MISFITS} episodes in a row longer than ` +
        `${this.#limits.contextTokens} tokens, need shorter ones; raise architecture.contextLength`,
    );
  }

  /** One item; null for an episode that does not fit the context. */
  async #sequence(phase: Phase, phaseIndex: number, item: number): Promise<TrainSequence | null> {
    const { seed } = this.#experiment;
    if (phase.kind === 'primer') {
      const drill = this.#drill(phaseIndex, item);
      return drillSequence(this.#runtime.tokenizer, drill, phase.lossOn);
    }
    const trace = await teach(
      {
        task: this.#task(phaseIndex, item),
        id: `teacher-${phaseIndex}-${item}`,
        mode: this.#mode(phaseIndex, item),
        seed: deriveSeed(seed, 'teacher', phaseIndex),
        limits: this.#limits,
        habits: phase.habits,
      },
      this.#runtime,
    );
    return trace.end === 'context' ? null : sftSequence(trace, phase.lossOn);
  }

  #drill(phase: number, item: number): { prompt: string; answer: string } {
    const block = Math.floor(item / DRILLS_A_BLOCK);
    const key = `${phase}-${block}`;
    if (this.#drills.key !== key) {
      const seed = deriveSeed(this.#experiment.seed, 'primer', phase, block);
      this.#drills = { key, list: primerDrills(seed, DRILLS_A_BLOCK) };
    }
    return this.#drills.list[item % DRILLS_A_BLOCK] as { prompt: string; answer: string };
  }

  #task(phase: number, item: number): Task {
    const block = Math.floor(item / TASKS_A_BLOCK);
    const key = `${phase}-${block}`;
    if (this.#tasks.key !== key) {
      const { seed, toolspace } = this.#experiment;
      const drawn = deriveSeed(seed, 'tasks', phase, block);
      this.#tasks = {
        key,
        list: generateTasks({ split: 'train', count: TASKS_A_BLOCK, seed: drawn, toolspace }),
      };
    }
    return this.#tasks.list[item % TASKS_A_BLOCK] as Task;
  }

  #mode(phase: number, item: number): Mode {
    const { modes, seed } = this.#experiment;
    const total = modes.eager + modes.isl + modes.itl;
    const draw = new Rng(deriveSeed(seed, 'mode', phase, item)).next() * total;
    if (draw < modes.eager) return 'eager';
    return draw < modes.eager + modes.isl ? 'isl' : 'itl';
  }
}
