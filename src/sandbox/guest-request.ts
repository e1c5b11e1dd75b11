// What guest.js says to the worker, as text -> checked. By hand: the worker starts for every notebook, and a library of
// schemas would be most of what it loads.

/** What a program asks of the outside. */
export type GuestRequest =
  | { kind: 'print'; text: string }
  | { kind: 'call'; call: number; server: string; tool: string; args: string; note: string }
  | { kind: 'info'; server: string; tools: string }
  | { kind: 'unknown'; server: string; tool: string };

/** An error of a program, as guest.js describes it. `line` is 0 when it is not known. */
export interface DescribedError {
  name: string;
  message: string;
  line: number;
  isCall: boolean;
}

type Members = Readonly<Record<string, unknown>>;

/** The request; null for a text that is none. */
export function guestRequest(text: string): GuestRequest | null {
  const found = members(text);
  if (found === null) return null;
  const { kind, call, server, tool, tools, args, note, text: printed } = found;
  if (kind === 'print' && isText(printed)) return { kind, text: printed };
  if (!isText(server)) return null;
  if (kind === 'info' && isText(tools)) return { kind, server, tools };
  if (!isText(tool)) return null;
  if (kind === 'unknown') return { kind, server, tool };
  const isCall = kind === 'call' && Number.isSafeInteger(call) && isText(args) && isText(note);
  return isCall ? { kind, call: Number(call), server, tool, args, note } : null;
}

/** The error; null for a text that is none. */
export function describedError(text: string): DescribedError | null {
  const { name, message, line, isCall } = members(text) ?? {};
  if (!isText(name) || !isText(message) || typeof line !== 'number') return null;
  return { name, message, line, isCall: isCall === true };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function members(text: string): Members | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return typeof value === 'object' && value !== null ? (value as Members) : null;
}
