// A trajectory as a chat for supervised fine-tuning elsewhere: one JSON object a line, in the form of OpenAI's chat
// messages, which Hugging Face's chat templates and trainers read too. Must not know a model's own template.
import type { ToolCall } from '../trajectory/tool.ts';
import type { Message, Trace } from '../trajectory/trace.ts';

/** A call as chat messages have it; `arguments` is JSON as text. */
export interface ChatCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** One chat message. Keys that say nothing are left out. */
export interface ChatLine {
  readonly role: Message['role'];
  readonly content: string;
  /** What an assistant thought before it wrote. */
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ChatCall[];
  /** Of a tool's message: the call that it answers, and its name. */
  readonly tool_call_id?: string;
  readonly name?: string;
}

/** One line of the file. `success` and `reward` are null where they are not known. */
export interface ChatExample {
  readonly id: string;
  readonly success: boolean | null;
  readonly reward: number | null;
  readonly messages: readonly ChatLine[];
}

/**
 * The chat of a trajectory. Calls and thinking leave the content; the last message is the answer alone. A turn with a
 * call that could not be read keeps its text as it was written, and its results name no call.
 */
export function chatExample(trace: Trace): ChatExample {
  const messages: ChatLine[] = [];
  let turn = -1;
  let open: readonly ChatCall[] = [];
  for (const [i, message] of trace.messages.entries()) {
    if (message.role === 'assistant') {
      turn += 1;
      const isLast = i === trace.messages.length - 1;
      const line = assistantLine(trace, message, turn, isLast);
      messages.push(line);
      open = line.tool_calls ?? [];
    } else if (message.role === 'tool') {
      const [call, ...rest] = open;
      open = rest;
      messages.push(toolLine(message, call));
    } else {
      messages.push({ role: message.role, content: message.content });
    }
  }
  const { id, success, scores } = trace;
  return { id, success, reward: scores?.reward ?? null, messages };
}

/** Whether some call of a turn could not be read: its record has no tool. */
function hasMalformed({ calls }: Trace, turn: number): boolean {
  return calls.some((record) => record.turn === turn && record.tool === '');
}

function assistantLine(trace: Trace, message: Message, turn: number, isLast: boolean): ChatLine {
  const { content, thinking, toolCalls = [] } = message;
  if (hasMalformed(trace, turn)) return { role: 'assistant', content };
  const answer = isLast && toolCalls.length === 0 ? trace.answer : null;
  return {
    role: 'assistant',
    content: answer ?? withoutTags(content),
    ...(thinking === undefined ? {} : { reasoning_content: thinking }),
    ...(toolCalls.length === 0
      ? {}
      : { tool_calls: toolCalls.map((call, i) => chatCall(call, turn, i)) }),
  };
}

function chatCall({ name, arguments: args }: ToolCall, turn: number, index: number): ChatCall {
  const call = { name, arguments: JSON.stringify(args) };
  return { id: `call_${turn}_${index}`, type: 'function', function: call };
}

/** @param call undefined where none was read. */
function toolLine({ content }: Message, call: ChatCall | undefined): ChatLine {
  if (call === undefined) return { role: 'tool', content };
  return { role: 'tool', content, tool_call_id: call.id, name: call.function.name };
}

/** What stands outside of thinking and calls. A template may have opened the thinking. */
function withoutTags(text: string): string {
  return text
    .replace(/^((?!<think>)[\s\S])*?<\/think>/, '')
    .replace(/<think>[\s\S]*?(<\/think>|$)/g, '')
    .replace(/<tool_call>[\s\S]*?<\/tool_call>/g, '')
    .trim();
}

/** The lines of a file, each with its newline. */
export async function* chatLines(traces: AsyncIterable<Trace>): AsyncGenerator<string, void, void> {
  for await (const trace of traces) yield `${JSON.stringify(chatExample(trace))}\n`;
}
