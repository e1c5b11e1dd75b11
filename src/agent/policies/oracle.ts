// The oracle of a task as a policy of text: plays its steps in any mode, reacting to what it sees. Also the teacher of
// training data, so its wording is frozen. Sees messages only, so it works wherever a chat policy does.
import { deriveSeed, Rng } from '../../base/rng.ts';
import type { TeacherHabits } from '../../trajectory/experiment.ts';
import type { ChatPolicy } from '../../trajectory/interfaces.ts';
import type { JsonObject } from '../../trajectory/json.ts';
import type { OracleStep } from '../../trajectory/task.ts';
import type { ServerSpec } from '../../trajectory/tool.ts';
import type { Message } from '../../trajectory/trace.ts';
import type { Script, ScriptContext } from '../agent-policy.ts';
import { callText } from '../grammar.ts';
import { callName } from '../names.ts';
import { FETCH_TOOLS, GET_SELECTED_TOOLS } from '../prompt.ts';
import { drawHabit, type Habit, nearDuplicateOf } from './habits.ts';

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
  const player = new OraclePlayer(context, habit);
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
    this.#steps = context.task.oracle.steps.map((step) => ({ ...step }));
    if (habit === 'nearDuplicate') this.#replaceTool(rng);
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
    const made = this.#steps[this.#next];
    if (made === undefined) return null;
    const following = this.#steps[this.#next + 1];
    const planned = made.expectError === true && following?.tool === made.tool ? following : null;
    if (/^busy\b/.test(seen)) {
      if (planned !== null) this.#next++;
      return this.#call(planned ?? made, 'busy again');
    }
    const suggested = /^not found: '(.*)', did you mean '([^']*)'\?/.exec(seen);
    if (suggested !== null) {
      const [, wrong = '', right = ''] = suggested;
      if (planned !== null) this.#next++;
      const step = planned ?? { ...made, arguments: mended(made.arguments, wrong, right) };
      this.#steps[this.#next] = step;
      return this.#call(step, `use '${right}'`);
    }
    // The planted error did not come: the mended call would only repeat what worked.
    this.#next += planned !== null && !isComplaint(seen) ? 2 : 1;
    return null;
  }

  #habitReply(seen: string | null): string | null {
    const afterCall = this.#last === 'call' && seen !== null;
    switch (this.#habit) {
      case 'answersEarly':
        if (this.#early === 'at once') return answer('done');
        return afterCall ? answer(this.#firstValue(seen)) : null;
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

  /** The first asked value that was seen; `done` when none was. */
  #firstValue(seen: string): string {
    const [first = 'done'] = this.#context.task.oracle.answer.split(', ');
    return seen.includes(first) ? first : 'done';
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

  #replaceTool(rng: Rng): void {
    if (this.#steps.length === 0) return;
    const { server, tool } = rng.pick(this.#steps);
    const spec: ServerSpec | undefined = this.#context.servers.find(({ name }) => name === server);
    if (spec === undefined) return;
    const duplicate = nearDuplicateOf(spec, tool);
    for (const step of this.#steps) {
      if (step.server === server && step.tool === tool) step.tool = duplicate;
    }
  }
}

function answer(text: string): string {
  return `<answer>${text}</answer>`;
}

function message(think: string, call: string): string {
  return `<think>${think}</think>${call}`;
}

function isComplaint(seen: string): boolean {
  return /^(busy\b|not found\b)/.test(seen);
}

function mended(args: JsonObject, wrong: string, right: string): JsonObject {
  const entries = Object.entries(args).map(([key, value]) => [
    key,
    value === wrong ? right : value,
  ]);
  return Object.fromEntries(entries) as JsonObject;
}
