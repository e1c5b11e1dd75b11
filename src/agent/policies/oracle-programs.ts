// The oracle of a task as a writer of programs: it reads schemas first, then makes as many calls in one program as can be
// written down before their results are seen, and takes what later calls need from variables. Its wording is frozen, as
// the oracle's of the other modes.
import { deriveSeed, Rng } from '../../base/rng.ts';
import type { OracleStep } from '../../trajectory/task.ts';
import type { Message } from '../../trajectory/trace.ts';
import type { ScriptContext } from '../agent-policy.ts';
import { callText } from '../grammar.ts';
import { callName } from '../names.ts';
import { RUN_PROGRAM } from '../prompt.ts';
import { type Habit, withNearDuplicate } from './habits.ts';
import { ProgramText, type SeenResult } from './program-text.ts';
import { answer, firstValue, isComplaint, message, reactionTo } from './replies.ts';

/** The program that was written last: which steps it made, and the variables of their results. */
interface Written {
  from: number;
  variables: readonly string[];
}

export class ProgramPlayer {
  readonly #context: ScriptContext;
  readonly #habit: Habit | null;
  readonly #steps: OracleStep[];
  readonly #isEarly: boolean;
  readonly #text: ProgramText;
  readonly #results: SeenResult[] = [];
  #next = 0;
  #written: Written | null = null;
  #loaded: boolean;
  #planned = false;

  constructor(context: ScriptContext, habit: Habit | null) {
    this.#context = context;
    this.#habit = habit;
    const { task, servers, seed } = context;
    const rng = new Rng(deriveSeed(seed, 'habit-detail', task.id));
    this.#isEarly = habit === 'answersEarly' && rng.chance(0.5);
    const { steps } = task.oracle;
    this.#steps = habit === 'nearDuplicate' ? withNearDuplicate(steps, servers, rng) : [...steps];
    this.#loaded = habit === 'skipsLoading';
    this.#text = new ProgramText(servers, task.prompt);
  }

  reply(messages: readonly Message[]): string {
    const { task } = this.#context;
    if (this.#isEarly) return answer('done');
    let think: string | null = null;
    if (this.#written !== null) {
      const seen = messages.at(-1)?.content ?? '';
      const { failure, lines } = outcomeOf(seen);
      if (this.#habit === 'answersEarly') return answer(firstValue(task, seen));
      if (this.#habit === 'givesUp' && this.#failsNow(failure)) return answer('failed');
      think = this.#take(this.#written, failure, lines);
    }
    if (this.#next >= this.#steps.length) return answer(task.oracle.answer);
    return this.#load() ?? this.#program(think);
  }

  /** Gives up on the first planted error; where the plan has none, after the first program. */
  #failsNow(failure: string | null): boolean {
    const plansError = this.#steps.some((step) => step.expectError === true);
    return !plansError || (failure !== null && isComplaint(failure));
  }

  /** Takes what a program came to; what is thought of a call that must be mended, or null. */
  #take(
    { from, variables }: Written,
    failure: string | null,
    lines: readonly string[],
  ): string | null {
    // Each call that worked printed one line.
    const made = failure === null ? variables.length : Math.min(lines.length, variables.length - 1);
    if (lines.length === made) {
      for (const [i, line] of lines.entries()) {
        this.#results.push({ variable: variables[i] ?? '', value: parsed(line) });
      }
    }
    this.#next = from + made;
    if (failure === null) {
      this.#next = reactionTo(this.#steps, from + made - 1, '').next;
      return null;
    }
    const { next, mended } = reactionTo(this.#steps, this.#next, failure);
    this.#next = next;
    if (mended === null) return null;
    this.#steps[next] = mended.step;
    return mended.think;
  }

  #load(): string | null {
    if (this.#loaded) return null;
    this.#loaded = true;
    const paths = new Set(this.#steps.map((step) => this.#text.path(step)));
    const list = [...paths].map((path) => `'${path}'`).join(', ');
    return this.#message(this.#plan(), `get_tools_info([${list}])`);
  }

  #program(mended: string | null): string {
    const from = this.#next;
    const group: OracleStep[] = [];
    for (const step of this.#steps.slice(from)) {
      // What is not known yet must be seen before it can be told where it comes from.
      if (group.length > 0 && !this.#text.isKnown(step, this.#results)) break;
      group.push(step);
      if (step.expectError === true) break;
    }
    const variables = group.map(({ tool }) => this.#text.variableFor(tool));
    this.#written = { from, variables };
    const code = group.map((step, i) => {
      const variable = variables[i] ?? '';
      const args = this.#text.argumentsOf(step, this.#results);
      return `const ${variable} = await ${this.#text.path(step)}(${args});\nprint(${variable});`;
    });
    const next = `next ${group.map((step) => this.#name(step)).join(' ')}`;
    const think = mended ?? (this.#planned ? next : this.#plan());
    return this.#message(think, code.join('\n'));
  }

  #plan(): string {
    this.#planned = true;
    const steps = this.#steps.filter((step) => step.expectError !== true);
    return `plan ${steps.map((step) => this.#name(step)).join(' ')}`;
  }

  #name({ server, tool }: OracleStep): string {
    return callName(this.#context.servers, server, tool);
  }

  #message(think: string, code: string): string {
    return message(think, callText({ name: RUN_PROGRAM.name, arguments: { code } }));
  }
}

/** What a program printed, one line a call, and what the call that stopped it said. */
function outcomeOf(seen: string): { failure: string | null; lines: string[] } {
  const all = seen.split('\n');
  const at = all.findIndex((line) => line.startsWith('failed call '));
  if (at < 0) return { failure: null, lines: all };
  const failure = (all[at] ?? '').replace(/^failed call [^:]*: /, '');
  return { failure, lines: all.slice(0, at) };
}

function parsed(line: string): SeenResult['value'] {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
