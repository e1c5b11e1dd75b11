// A stored trajectory -> what the page shows: a line of a list, or all of it with the text of every token.
import { errorMessage, InputError } from '../base/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type Trace, traceSchema } from '../trajectory/trace.ts';
import type { TraceListing, TraceView } from './protocol.ts';

/** One line of a list. */
export function listingOf(trace: Trace, index: number): TraceListing {
  const { id, task, mode, policy, end, success, scores, calls } = trace;
  const reward = scores?.reward ?? null;
  const { prompt } = task;
  return { index, id, prompt, mode, policy, end, success, reward, calls: calls.length };
}

/** A trajectory of a JSON text. @throws {InputError} saying what does not fit. */
export function parseTrace(text: string): Trace {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw misfit(errorMessage(cause), cause);
  }
  const parsed = traceSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw misfit(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown'}`, parsed.error);
}

function misfit(what: string, cause: unknown): InputError {
  return new InputError(
    'trajectory',
    `trajectory: ${what}; need one line of a trajectories.jsonl of this version`,
    { cause },
  );
}

/** The trajectory with its tokens, where one of the tokenizers wrote it. */
export function viewOf(trace: Trace, tokenizers: readonly Tokenizer[]): TraceView {
  for (const tokenizer of tokenizers) {
    const texts = tokenTexts(trace, tokenizer);
    if (texts !== null) return { trace, tokenTexts: texts };
  }
  return { trace, tokenTexts: null };
}

/** Text of every id by segment; null when the ids are of another vocabulary: then the request is not in them. */
function tokenTexts(trace: Trace, tokenizer: Tokenizer): string[][] | null {
  const fits = trace.segments.every(({ ids }) => ids.every((id) => id < tokenizer.vocabSize));
  if (!fits) return null;
  const whole = tokenizer.decode(trace.segments.flatMap(({ ids }) => ids));
  if (!whole.includes(trace.task.prompt)) return null;
  return trace.segments.map(({ ids }) => ids.map((id) => tokenizer.decode([id])));
}
