// What an episode tells while it runs, for a page that shows it. Plain data; must not know the page.
import type { CallRecord, ToolCall } from '../trajectory/tool.ts';
import type { End, Message } from '../trajectory/trace.ts';

/** `contextTokens` is the length of the whole sequence so far, tokens. */
export type AgentEvent =
  /** The prompt stands. */
  | { kind: 'start'; id: string; messages: Message[]; contextTokens: number }
  /** Something the user should know, such as a template that the tools do not fit in. */
  | { kind: 'note'; text: string }
  /** A piece of the turn being sampled; pieces joined are the turn's text. */
  | { kind: 'tokens'; turn: number; text: string; count: number; contextTokens: number }
  /** A whole assistant message. */
  | { kind: 'message'; turn: number; message: Message; contextTokens: number }
  /** A call is about to be made; null when it was malformed. */
  | { kind: 'call'; turn: number; call: ToolCall | null }
  /** A call's result. */
  | { kind: 'observation'; record: CallRecord; contextTokens: number }
  | {
      kind: 'end';
      end: End;
      answer: string | null;
      error: string | null;
      contextTokens: number;
    };
