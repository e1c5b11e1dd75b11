// Where the tokens of a context come from: each counts for the piece of text in which it begins. Knows no mode and no policy.
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { CODE_INTERPRETER } from '../trajectory/tool.ts';
import type { Origin, OriginCounts } from '../trajectory/trace.ts';

/** A stretch of text and what it is there for. */
export interface Piece {
  readonly text: string;
  readonly origin: Origin;
}

const encoder = new TextEncoder();
const sizes = new WeakMap<Tokenizer, Map<number, number>>();

/** Bytes of the text of a token, those of a control token too. */
function bytesOf(tokenizer: Tokenizer, id: number): number {
  const known = sizes.get(tokenizer) ?? new Map<number, number>();
  sizes.set(tokenizer, known);
  const size = known.get(id) ?? measured(tokenizer, id);
  known.set(id, size);
  return size;
}

function measured(tokenizer: Tokenizer, id: number): number {
  const shown = tokenizer.shownBytes(id).length;
  return shown > 0 ? shown : encoder.encode(tokenizer.decode([id])).length;
}

/**
 * Adds the tokens of a text to counts.
 * @param pieces together the text that the ids stand for; what is left behind them counts for the last one.
 */
export function countOrigins(
  counts: OriginCounts,
  tokenizer: Tokenizer,
  ids: readonly number[],
  pieces: readonly Piece[],
): void {
  const ends: number[] = [];
  let end = 0;
  for (const { text } of pieces) {
    end += encoder.encode(text).length;
    ends.push(end);
  }
  let at = 0;
  let piece = 0;
  for (const id of ids) {
    while (piece < pieces.length - 1 && at >= (ends[piece] ?? 0)) piece++;
    const origin = tokenizer.eosIds.includes(id) ? 'frame' : (pieces[piece]?.origin ?? 'frame');
    counts[origin] = (counts[origin] ?? 0) + 1;
    at += bytesOf(tokenizer, id);
  }
}

const TAGGED = /<(think|tool_call|answer)>[\s\S]*?(?:<\/\1>|$)/g;
const PROGRAM = new RegExp(`"name"\\s*:\\s*"${CODE_INTERPRETER}"`);

/** The pieces of a turn that a policy wrote; text without tags is its answer. */
export function turnPieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(TAGGED)) {
    const [whole, tag] = match;
    if (match.index > from) {
      pieces.push({ text: text.slice(from, match.index), origin: 'answer' });
    }
    pieces.push({ text: whole, origin: originOf(tag, whole) });
    from = match.index + whole.length;
  }
  if (from < text.length || pieces.length === 0) {
    pieces.push({ text: text.slice(from), origin: 'answer' });
  }
  return pieces;
}

function originOf(tag: string | undefined, text: string): Origin {
  if (tag === 'think') return 'thinking';
  if (tag === 'answer') return 'answer';
  return PROGRAM.test(text) ? 'code' : 'calls';
}
