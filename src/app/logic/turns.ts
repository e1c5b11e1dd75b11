// A trajectory, live or stored, as the turns that the page shows. Must not know components.
import type { AgentEvent } from '../../agent/events.ts';
import type { JsonObject } from '../../trajectory/json.ts';
import type { CallRecord, ToolCall, ToolResult } from '../../trajectory/tool.ts';
import type { End, Message, Trace } from '../../trajectory/trace.ts';

/** One call. `result` is null while it runs, and for one that was never made. */
export interface CallShown {
  server: string | null;
  /** As the policy named it; empty for a call that could not be read. */
  name: string;
  arguments: JsonObject;
  meta: boolean;
  /** Made by a program, whose own call stands behind it. */
  inProgram: boolean;
  result: ToolResult | null;
}

export interface TurnShown {
  thinking: string;
  calls: CallShown[];
  answer: string | null;
  /** Text that came so far of a turn being sampled; null once it is whole. */
  partial: string | null;
}

/** What the page shows of an episode. */
export interface EpisodeShown {
  system: string | null;
  prompt: string;
  turns: TurnShown[];
  notes: string[];
  contextTokens: number;
  end: End | null;
  error: string | null;
}

/** Nothing yet. */
export function emptyEpisode(prompt: string): EpisodeShown {
  const empty = { system: null, turns: [], notes: [], contextTokens: 0, end: null, error: null };
  return { ...empty, prompt };
}

/** A stored trajectory as turns. */
export function episodeOf(trace: Trace): EpisodeShown {
  const replies = trace.messages.filter((message) => message.role === 'assistant');
  const turns = replies.map((message, turn): TurnShown => {
    const records = trace.calls.filter((call) => call.turn === turn);
    const last = turn === replies.length - 1;
    const answer = last ? trace.answer : null;
    return wholeTurn(message, records.map(callOf), answer);
  });
  return {
    system: trace.messages.find((message) => message.role === 'system')?.content ?? null,
    prompt: trace.task.prompt,
    turns,
    notes: [],
    contextTokens: trace.contextTokens,
    end: trace.end,
    error: trace.error,
  };
}

/**
 * The turn of a whole message. Calls that were asked for and never made stand without a result; what a program calls was
 * not asked for by the message itself.
 */
function wholeTurn(message: Message, made: CallShown[], answer: string | null): TurnShown {
  const asked = made.filter(({ inProgram }) => !inProgram).length;
  const unmade = (message.toolCalls ?? []).slice(asked).map(waiting);
  return { thinking: message.thinking ?? '', calls: [...made, ...unmade], answer, partial: null };
}

function callOf(record: CallRecord): CallShown {
  const { server, tool, arguments: args, meta, result, inProgram = false } = record;
  return { server, name: tool, arguments: args, meta, inProgram, result };
}

function waiting({ name, arguments: args }: ToolCall): CallShown {
  return { server: null, name, arguments: args, meta: false, inProgram: false, result: null };
}

/** The episode after one more event. */
export function withEvent(episode: EpisodeShown, event: AgentEvent): EpisodeShown {
  switch (event.kind) {
    case 'start': {
      const system = event.messages.find(({ role }) => role === 'system')?.content ?? null;
      return { ...episode, system, contextTokens: event.contextTokens };
    }
    case 'note':
      return { ...episode, notes: [...episode.notes, event.text] };
    case 'tokens':
      return atTurn(episode, event.turn, event.contextTokens + event.count, (turn) => ({
        ...turn,
        partial: (turn.partial ?? '') + event.text,
      }));
    case 'message':
      return atTurn(episode, event.turn, event.contextTokens, () =>
        wholeTurn(event.message, [], null),
      );
    case 'call':
      return episode;
    case 'observation':
      return atTurn(episode, event.record.turn, event.contextTokens, (turn) =>
        withResult(turn, event.record),
      );
    case 'end':
      return ended(episode, event);
    default:
      return event satisfies never;
  }
}

function ended(episode: EpisodeShown, event: Extract<AgentEvent, { kind: 'end' }>): EpisodeShown {
  const { end, error, answer, contextTokens } = event;
  const last = episode.turns.length - 1;
  const turns = episode.turns.map((turn, i) => (i === last ? { ...turn, answer } : turn));
  return { ...episode, turns, end, error, contextTokens };
}

/** Results come in the order of the calls: the first call without one gets it, unless a program made the call. */
function withResult(turn: TurnShown, record: CallRecord): TurnShown {
  const calls = [...turn.calls];
  const at = calls.findIndex((call) => call.result === null);
  const isExtra = record.tool === '' || record.inProgram === true;
  if (isExtra || at < 0) calls.splice(at < 0 ? calls.length : at, 0, callOf(record));
  else calls[at] = callOf(record);
  return { ...turn, calls };
}

function atTurn(
  episode: EpisodeShown,
  index: number,
  contextTokens: number,
  change: (turn: TurnShown) => TurnShown,
): EpisodeShown {
  const turns = [...episode.turns];
  const turn = turns[index] ?? { thinking: '', calls: [], answer: null, partial: '' };
  turns[index] = change(turn);
  return { ...episode, turns, contextTokens };
}

/** Parts of a message that is still being written, for display only. */
export interface PartialParts {
  thinking: string;
  call: string;
  answer: string;
}

/** Splits the text so far at the tags of the grammar; a tag that is not whole yet is held back. */
export function partialParts(text: string): PartialParts {
  const shown = text.replace(/<[^>]*$/, '');
  const parts: PartialParts = { thinking: '', call: '', answer: '' };
  let into: keyof PartialParts = 'answer';
  for (const piece of shown.split(/(<\/?(?:think|tool_call|answer)>)/)) {
    if (piece === '<think>') into = 'thinking';
    else if (piece === '<tool_call>') into = 'call';
    else if (/^<\/?(?:think|tool_call|answer)>$/.test(piece)) into = 'answer';
    else if (piece.trim() !== '') parts[into] += piece;
  }
  return parts;
}
