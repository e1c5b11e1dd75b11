// The check program: predicates on a trace, given as data. Pure; reads the trace only and calls nothing.
import type { Json, JsonObject } from '../trajectory/json.ts';
import { sameJson, valueAt } from '../trajectory/json-values.ts';
import type { Check, StatePath } from '../trajectory/rubric.ts';
import { type CallRecord, CODE_INTERPRETER } from '../trajectory/tool.ts';
import type { Trace } from '../trajectory/trace.ts';
import { leaves, numbersIn, statesValue } from './values.ts';

/** True or false; null when the trace does not hold what the check needs. */
export function evaluateCheck(check: Check, trace: Trace): boolean | null {
  const { calls } = trace;
  switch (check.kind) {
    case 'called':
      return calls.some((call) => !call.result.isError && matches(call, check));
    case 'attempted':
      return calls.some((call) => matches(call, check));
    case 'notCalled':
      return !calls.some((call) => matches(call, check));
    case 'order':
      return inOrder(check.tools, calls);
    case 'state':
      return stateHas(check, trace);
    case 'states':
      return trace.answer !== null && statesValue(trace.answer, check.value);
    case 'answered':
      return trace.end === 'answer' && (trace.answer ?? '').trim() !== '';
    case 'asks':
      return trace.end === 'answer' && /\?(\s|$)/.test(trace.answer ?? '');
    case 'callsAtMost':
      return calls.filter(({ meta }) => !meta).length <= check.count;
    case 'errorsAtMost':
      return calls.filter(({ result }) => result.isError).length <= check.count;
    case 'grounded':
      return callsGrounded(check.tool, trace);
    case 'answerGrounded':
      return answerGrounded(trace);
    case 'all':
      return every(check.checks.map((part) => evaluateCheck(part, trace)));
    case 'any':
      return not(every(check.checks.map((part) => not(evaluateCheck(part, trace)))));
    default:
      return check satisfies never;
  }
}

/** False when one is false, else null when one is null, else true. */
export function every(results: readonly (boolean | null)[]): boolean | null {
  if (results.includes(false)) return false;
  return results.includes(null) ? null : true;
}

function not(result: boolean | null): boolean | null {
  return result === null ? null : !result;
}

/** `server:tool` of a call; null for a meta call and an unknown tool. */
function qualified({ server, tool }: CallRecord): string | null {
  return server === null ? null : `${server}:${tool}`;
}

function matches(
  call: CallRecord,
  { tool, arguments: wanted = {} }: { tool: string; arguments?: JsonObject | undefined },
): boolean {
  if (qualified(call) !== tool) return false;
  return Object.entries(wanted).every(([name, value]) => {
    const given = call.arguments[name];
    return given !== undefined && sameJson(given, value, true);
  });
}

function inOrder(tools: readonly string[], calls: readonly CallRecord[]): boolean {
  let next = 0;
  for (const call of calls) {
    if (!call.result.isError && qualified(call) === tools[next]) next++;
  }
  return next >= tools.length;
}

function stateHas(
  { server, path, equals }: { server: string; path: StatePath; equals: Json },
  trace: Trace,
): boolean | null {
  const state = trace.finalState[server] ?? null;
  return state === null ? null : sameJson(valueAt(state, path), equals);
}

/** Texts that a value may come from, and the numbers in them. */
class Sources {
  readonly #texts: string[] = [];
  readonly #numbers: number[] = [];

  add(text: string): void {
    this.#texts.push(text);
    this.#numbers.push(...numbersIn(text));
  }

  /** Numbers of a parsed result, where a text such as `[1,234]` is ambiguous. */
  addValue(value: Json): void {
    for (const leaf of leaves(value)) if (typeof leaf === 'number') this.#numbers.push(leaf);
  }

  has(value: string | number): boolean {
    if (typeof value === 'number') {
      return this.#numbers.some((number) => sameJson(number, value));
    }
    return this.#texts.some((text) => statesValue(text, value));
  }
}

/** Request and system text: in eager mode the latter holds the schemas with their enums. */
function startingSources(trace: Trace): Sources {
  const sources = new Sources();
  sources.add(trace.task.prompt);
  for (const { role, content } of trace.messages) if (role === 'system') sources.add(content);
  return sources;
}

/** An episode that made none of the calls has grounded nothing: that is false. */
function callsGrounded(tool: string | undefined, trace: Trace): boolean {
  const sources = startingSources(trace);
  let seen = false;
  for (const call of trace.calls) {
    if (!call.meta && (tool === undefined || qualified(call) === tool)) {
      seen = true;
      if (!leaves(call.arguments).every((value) => sources.has(value))) return false;
    }
    addResult(sources, call);
  }
  return seen;
}

/**
 * An unknown tool's complaint repeats what the policy wrote, and a program prints what it wrote itself, so only results of
 * tools and loaded schemas count.
 */
function addResult(sources: Sources, call: CallRecord): void {
  if (call.meta && call.tool === CODE_INTERPRETER) return;
  if (call.meta ? call.result.isError : call.server === null) return;
  sources.add(call.result.text);
  sources.addValue(call.result.value);
}

/** Words that state no value. */
const EMPTY_ANSWERS = new Set(['done', 'failed', 'cannot', 'yes', 'no', 'ok']);
const SHORT_PART_WORDS = 3;

/**
 * Each part of the answer (cut at commas, semicolons and lines) must occur in the request or a result; of a longer
 * sentence its numbers, quoted texts and words with digits must. A question states nothing.
 */
function answerGrounded(trace: Trace): boolean {
  const answer = (trace.answer ?? '').trim();
  if (answer === '') return false;
  const sources = new Sources();
  sources.add(trace.task.prompt);
  for (const call of trace.calls) if (!call.meta) addResult(sources, call);
  return answer
    .split(/,\s|[;\n]/)
    .map((part) => part.trim().replace(/[.!]$/, ''))
    .filter((part) => part !== '' && !part.endsWith('?') && !EMPTY_ANSWERS.has(part.toLowerCase()))
    .every((part) => partGrounded(part, sources));
}

function partGrounded(part: string, sources: Sources): boolean {
  if (sources.has(part)) return true;
  const numbers = numbersIn(part);
  const isNumber = numbers.length === 1 && /^-?[\d.,]+$/.test(part);
  if (part.split(/\s+/).length <= SHORT_PART_WORDS && !isNumber) return false;
  const quoted = [...part.matchAll(/'([^']+)'|"([^"]+)"/g)].map(([, a, b]) => a ?? b ?? '');
  const coded = part.match(/[\p{L}\p{N}_]+(?:[-:.][\p{L}\p{N}_]+)+/gu) ?? [];
  const values = [
    ...numbers,
    ...quoted,
    ...coded.filter((word) => /\d/.test(word) && isCode(word)),
  ];
  return values.every((value) => sources.has(value));
}

/** Ids, dates and times, as against decimal numbers, which are compared as numbers. */
function isCode(word: string): boolean {
  return !/^\d+\.\d+$/.test(word);
}
