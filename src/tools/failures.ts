// What went wrong with a server, as one of a few kinds: decides the code of the error, whether a call may be repeated, and
// the words. Knows the SDK's errors, no server.
import {
  InsufficientScopeError,
  OAuthClientFlowError,
  OAuthError,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { errorMessage, ToolError } from '../base/errors.ts';
import { cleanLine } from './untrusted-text.ts';
import { NO_ANSWER } from './watched-transport.ts';

export interface Failure {
  code: string;
  message: string;
  /** The request or its answer was lost on the way: a call that is safe to repeat may be repeated. */
  transport: boolean;
  status: number | null;
}

const MESSAGE_CHARACTERS = 400;
/** Answers of gateways and of servers that are starting or busy. */
const PASSING = new Set([429, 502, 503, 504]);
const HTTP_UNAUTHORIZED = 401;
const HTTP_FORBIDDEN = 403;

/** Reads an error of the SDK, of fetch or of our own. */
export function failureOf(error: unknown): Failure {
  const chain = causes(error);
  const own = chain.find((one) => one instanceof ToolError);
  if (own !== undefined) return failure(own.code, own.message);
  const status = chain.map(statusOf).find((one) => one !== null) ?? null;
  const message = wordsOf(chain);
  if (chain.some(isAuthError) || status === HTTP_UNAUTHORIZED) {
    return { ...failure('sign_in_needed', message), status };
  }
  if (status === HTTP_FORBIDDEN) return { ...failure('forbidden', message), status };
  if (status !== null) {
    return { ...failure('server_failed', message), status, transport: PASSING.has(status) };
  }
  for (const one of chain) {
    if (one instanceof SdkError && one.code === SdkErrorCode.RequestTimeout) {
      return failure('server_timeout', message);
    }
    if (one instanceof ProtocolError && isNoAnswer(one.data)) {
      if (one.data.tooLarge) return failure('response_too_large', message);
      return { ...failure('server_dropped', message), transport: true };
    }
  }
  // What fetch throws when no response came or its body broke off.
  if (chain.some((one) => one instanceof TypeError)) {
    return { ...failure('server_unreachable', message), transport: true };
  }
  return failure('server_failed', message);
}

function failure(code: string, message: string): Failure {
  return { code, message, transport: false, status: null };
}

function isAuthError(error: unknown): boolean {
  return (
    error instanceof UnauthorizedError ||
    error instanceof OAuthError ||
    error instanceof OAuthClientFlowError ||
    error instanceof InsufficientScopeError
  );
}

function isNoAnswer(data: unknown): data is { reason: string; tooLarge: boolean } {
  return typeof data === 'object' && data !== null && 'reason' in data && data.reason === NO_ANSWER;
}

function statusOf(error: unknown): number | null {
  if (!(error instanceof SdkHttpError)) return null;
  const { status } = error.data;
  return typeof status === 'number' ? status : null;
}

/** The error and its causes, at most a few. */
function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let one = error; one instanceof Error && chain.length < 6; one = one.cause) chain.push(one);
  return chain.length === 0 ? [error] : chain;
}

/** The outermost message, and the innermost where it says more ("fetch failed" hides the reason). */
function wordsOf(chain: readonly unknown[]): string {
  const outer = errorMessage(chain[0]);
  const inner = errorMessage(chain.at(-1));
  const words = inner === '' || outer.includes(inner) ? outer : `${outer} (${inner})`;
  return cleanLine(words, MESSAGE_CHARACTERS);
}
