// The text of an assistant's message -> its thinking, its calls or its answer. Repairs nothing; must not know which
// tools exist.
import type { JsonObject } from '../trajectory/json.ts';
import { jsonObjectSchema } from '../trajectory/json.ts';
import type { ToolCall } from '../trajectory/tool.ts';

/** A call that cannot be made; `malformed` says what was wrong, for the policy. */
export interface MalformedCall {
  malformed: string;
}

export interface ParsedMessage {
  /** Text of all thinking, empty when there is none. */
  thinking: string;
  calls: (ToolCall | MalformedCall)[];
  /** Null exactly when there are calls. */
  answer: string | null;
  /** Every tag that was opened was closed, and the message has a call or an answer tag. */
  complete: boolean;
}

const CALL_FORM = '<tool_call>{"name":"…","arguments":{…}}</tool_call>';
const QUOTED_CHARACTERS = 60;

/** Parses one assistant message. Calls inside thinking do not count; a message without a call is the answer. */
export function parseMessage(text: string): ParsedMessage {
  const { thinking, rest, open } = splitThinking(text);
  const calls: (ToolCall | MalformedCall)[] = [];
  const pieces = rest.split('<tool_call>');
  let closed = !open;
  for (const piece of pieces.slice(1)) {
    const end = piece.indexOf('</tool_call>');
    if (end < 0) {
      closed = false;
      calls.push({ malformed: `malformed call: no </tool_call>; write ${CALL_FORM}` });
    } else {
      calls.push(parseCall(piece.slice(0, end)));
    }
  }
  if (calls.length > 0) return { thinking, calls, answer: null, complete: closed };
  const tagged = /<answer>([\s\S]*?)<\/answer>/.exec(rest);
  const answer = (tagged?.[1] ?? rest.replace(/<\/?answer>/g, '')).trim();
  return { thinking, calls, answer, complete: closed && tagged !== null };
}

/** Compact text of a call, as we write it. */
export function callText(call: ToolCall): string {
  return `<tool_call>${JSON.stringify({ name: call.name, arguments: call.arguments })}</tool_call>`;
}

/** Whether a parsed call cannot be made. */
export function isMalformed(call: ToolCall | MalformedCall): call is MalformedCall {
  return 'malformed' in call;
}

/** Takes thinking out. A template may have opened the tag, so the first closer closes even without an opener. */
function splitThinking(text: string): { thinking: string; rest: string; open: boolean } {
  const thoughts: string[] = [];
  let rest = '';
  let from = 0;
  const firstClose = text.indexOf('</think>');
  const firstOpen = text.indexOf('<think>');
  if (firstClose >= 0 && (firstOpen < 0 || firstClose < firstOpen)) {
    thoughts.push(text.slice(0, firstClose));
    from = firstClose + '</think>'.length;
  }
  for (;;) {
    const start = text.indexOf('<think>', from);
    if (start < 0) break;
    rest += text.slice(from, start);
    const end = text.indexOf('</think>', start);
    if (end < 0) {
      thoughts.push(text.slice(start + '<think>'.length));
      return { thinking: joined(thoughts), rest, open: true };
    }
    thoughts.push(text.slice(start + '<think>'.length, end));
    from = end + '</think>'.length;
  }
  return { thinking: joined(thoughts), rest: rest + text.slice(from), open: false };
}

function joined(thoughts: readonly string[]): string {
  return thoughts.map((thought) => thought.trim()).join('\n');
}

function parseCall(text: string): ToolCall | MalformedCall {
  const value = tryJson(text);
  const complaint = (what: string): MalformedCall => ({
    malformed: `malformed call: ${what}, got ${quoted(text)}; write ${CALL_FORM}`,
  });
  if (value === undefined) return complaint('not valid JSON');
  const call = jsonObjectSchema.safeParse(value);
  if (!call.success) return complaint('not a JSON object');
  const { name, arguments: given } = call.data;
  if (typeof name !== 'string' || name === '') return complaint('no "name"');
  const args = jsonObjectSchema.safeParse(given);
  if (!args.success) return complaint('"arguments" is not an object');
  return { name, arguments: args.data satisfies JsonObject };
}

/** The parsed JSON; undefined for text that is none, which the caller turns into a complaint. */
function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function quoted(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length <= QUOTED_CHARACTERS) return trimmed;
  return `${trimmed.slice(0, QUOTED_CHARACTERS)}…`;
}
