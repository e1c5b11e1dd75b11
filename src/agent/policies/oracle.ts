// The oracle of a task as a policy of text: plays its steps in any mode, reacting to what it sees. Also the teacher of
// training data, so its wording is frozen. Sees messages only, so it works wherever a chat policy does.
import { deriveSeed, Rng } from '../../base/rng.ts';
import type { TeacherHabits } from '../../trajectory/experiment.ts';
import type { ChatPolicy } from '../../trajectory/interfaces.ts';
import type { OracleStep } from '../../trajectory/task.ts';
import type { Message } from '../../trajectory/trace.ts';
import type { Script, ScriptContext } from '../agent-policy.ts';
import { callText } from '../grammar.ts';
import { callName } from '../names.ts';
import { FETCH_TOOLS, GET_SELECTED_TOOLS } from '../prompt.ts';
import { drawHabit, type Habit, withNearDuplicate } from './habits.ts';
import { ProgramPlayer } from './oracle-programs.ts';
import { answer, firstValue, isComplaint, message, reactionTo } from './replies.ts';

/** How often the habit of not loading repeats a refused call before it gives up. */
const REPEATS = 2;

/** The oracle for any task; with `habits`, the share of tasks that shows each. */
export function oracleScript(options: { habits?: TeacherHabits } = {}): Script {
  return {
    name: 'oracle',
    make: (context) =>
      oraclePolicy(context, drawHabit(options.habits, context.seed, context.task.id)),
  };
}

/** The oracle of one task, good for one episode. */
export function oraclePolicy(context: ScriptContext, habit: Habit | null = null): ChatPolicy {
  const player =
    context.mode === 'ptc' ? new ProgramPlayer(context, habit) : new OraclePlayer(context, habit);
  return { name: 'oracle', reply: (messages) => Promise.resolve(player.reply(messages)) };
}

type Last = 'none' | 'load' | 'call';

class OraclePlayer {
  readonly #context: ScriptContext;
  readonly #habit: Habit | null;
  readonly #steps: OracleStep[];
  readonly #loaded = new Set<string>();
  readonly #early: 'at once' | 'after a result';
  #next = 0;
  #last: Last = 'none';
  #planned = false;
  #repeats = 0;

  constructor(context: ScriptContext, habit: Habit | null) {
    this.#context = context;
    this.#habit = habit;
    const rng = new Rng(deriveSeed(context.seed, 'habit-detail', context.task.id));
    this.#early = rng.chance(0.5) ? 'at once' : 'after a result';
    const { steps } = context.task.oracle;
    this.#steps =
      habit === 'nearDuplicate' ? withNearDuplicate(steps, context.servers, rng) : [...steps];
  }

  reply(messages: readonly Message[]): string {
    const seen = this.#last === 'none' ? null : (messages.at(-1)?.content ?? '');
    const given = this.#habitReply(seen);
    if (given !== null) return given;
    if (this.#last === 'call' && seen !== null) {
      const reaction = this.#react(seen);
      if (reaction !== null) return reaction;
    }
    const step = this.#steps[this.#next];
    if (step === undefined) return answer(this.#context.task.oracle.answer);
    return this.#load(step) ?? this.#call(step, this.#thought(`next ${this.#name(step)}`));
  }

  /** Moves on after a result; a text when the result was an error that calls for a mended call. */
  #react(seen: string): string | null {
    const { next, mended } = reactionTo(this.#steps, this.#next, seen);
    this.#next = next;
    if (mended === null) return null;
    this.#steps[next] = mended.step;
    return this.#call(mended.step, mended.think);
  }

  #habitReply(seen: string | null): string | null {
    const afterCall = this.#last === 'call' && seen !== null;
    switch (this.#habit) {
      case 'answersEarly':
        if (this.#early === 'at once') return answer('done');
        return afterCall ? answer(firstValue(this.#context.task, seen)) : null;
      case 'givesUp':
        return afterCall && this.#failsNow(seen) ? answer('failed') : null;
      case 'skipsLoading':
        return this.#skipLoading(seen);
      case 'nearDuplicate':
      case null:
        return null;
      default:
        return this.#habit satisfies never;
    }
  }

  /** Gives up on the first error; where the plan has none, after the first call. */
  #failsNow(seen: string): boolean {
    const plansError = this.#steps.some((step) => step.expectError === true);
    return !plansError || isComplaint(seen);
  }

  /** Calls without loading, repeats the refused call, then gives up. */
  #skipLoading(seen: string | null): string | null {
    const step = this.#steps[this.#next];
    if (this.#context.mode === 'eager' || step === undefined) return null;
    if (seen === null) return this.#call(step, this.#thought(''));
    if (!seen.startsWith('load it first')) return null;
    if (this.#repeats++ >= REPEATS) return answer('failed');
    return this.#call(step, `next ${this.#name(step)}`);
  }

  #load(step: OracleStep): string | null {
    const { mode } = this.#context;
    if (mode === 'eager' || this.#loaded.has(step.server)) return null;
    const think = this.#thought(`load ${step.server}`);
    this.#loaded.add(step.server);
    this.#last = 'load';
    const tools = this.#steps.filter(({ server }) => server === step.server);
    const names = [...new Set(tools.map(({ tool }) => tool))];
    const call =
      mode === 'isl'
        ? { name: FETCH_TOOLS.name, arguments: { server: step.server } }
        : { name: GET_SELECTED_TOOLS.name, arguments: { server: step.server, tools: names } };
    return message(think, callText(call));
  }

  #call(step: OracleStep, think: string): string {
    this.#last = 'call';
    return message(think, callText({ name: this.#name(step), arguments: step.arguments }));
  }

  /** The plan in the first message, later what is done next. */
  #thought(text: string): string {
    if (this.#planned) return text;
    this.#planned = true;
    const steps = this.#steps.filter((step) => step.expectError !== true);
    return `plan ${steps.map((step) => this.#name(step)).join(' ')}`;
  }

  #name({ server, tool }: OracleStep): string {
    return callName(this.#context.servers, server, tool);
  }
}
