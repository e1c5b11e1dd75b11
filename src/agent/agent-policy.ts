// The three kinds of policies that an agent can play, behind one `takeTurn`. Must not know tools or modes.
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { CallForm, ChatPolicy, TokenPolicy } from '../trajectory/interfaces.ts';
import type { Task } from '../trajectory/task.ts';
import type { ServerSpec } from '../trajectory/tool.ts';
import type { Message, Mode } from '../trajectory/trace.ts';
import type { Conversation } from './conversation.ts';

/** What a scripted policy is made for. */
export interface ScriptContext {
  task: Task;
  mode: Mode;
  servers: readonly ServerSpec[];
  seed: number;
}

/** Makes a policy of text that is good for one episode. */
export interface Script {
  readonly name: string;
  make(context: ScriptContext): ChatPolicy;
}

/** `teacher` marks turns as if the policy had sampled them (training data), without log-probabilities. */
export type AgentPolicy = (
  | { kind: 'tokens'; policy: TokenPolicy }
  | { kind: 'chat'; policy: ChatPolicy; teacher?: boolean }
  | { kind: 'scripted'; policy: Script; teacher?: boolean }
) & { tokenizer: Tokenizer };

/** A policy with scripts made for their episode. */
export type SeatedPolicy = Exclude<AgentPolicy, { kind: 'scripted' }>;

export function seatPolicy(policy: AgentPolicy, context: ScriptContext): SeatedPolicy {
  if (policy.kind !== 'scripted') return policy;
  const { tokenizer } = policy;
  const chat = policy.policy.make(context);
  return { kind: 'chat', policy: chat, teacher: policy.teacher ?? false, tokenizer };
}

/** Tokens at the end of a prompt that hold an opening tag and the space behind it. */
const THINK_TOKENS = 16;

export interface TurnOptions {
  sequence: string;
  conversation: Conversation;
  messages: readonly Message[];
  seed: number;
  temperature: number;
  /** Most tokens of the turn, and what still fits into the context. */
  turnTokens: number;
  room: number;
  /** A policy of tokens may write only these calls; any without it. */
  calls?: readonly CallForm[] | undefined;
  signal?: AbortSignal | undefined;
  onText?: ((text: string, count: number) => void) | undefined;
}

/** `cut`: the turn ended without an end token, at the limit named. */
export interface Turn {
  text: string;
  cut: 'length' | 'context' | null;
  cancelled: boolean;
}

/** Lets the policy take its turn and appends it to the conversation; a turn that does not fit is not appended. */
export async function takeTurn(policy: SeatedPolicy, options: TurnOptions): Promise<Turn> {
  if (policy.kind === 'tokens') return sampleTurn(policy.policy, policy.tokenizer, options);
  const { conversation, signal } = options;
  const text = await policy.policy.reply(options.messages, {
    seed: options.seed,
    temperature: options.temperature,
    ...(signal === undefined ? {} : { signal }),
  });
  const sampled = policy.teacher ?? false;
  const ids = conversation.encodeTurn(text, sampled);
  if (ids.length > options.room) return { text, cut: 'context', cancelled: false };
  conversation.append([{ role: 'assistant', ids, sampled, logprobs: null, tier: null }]);
  options.onText?.(text, ids.length);
  return { text, cut: null, cancelled: false };
}

async function sampleTurn(
  policy: TokenPolicy,
  tokenizer: Tokenizer,
  options: TurnOptions,
): Promise<Turn> {
  const { conversation, turnTokens, room, signal, calls } = options;
  const stream = new TextStream(tokenizer, options.onText);
  const result = await policy.generate(
    {
      ids: [...conversation.ids],
      sequence: options.sequence,
      maxTokens: Math.min(turnTokens, room),
      temperature: options.temperature,
      seed: options.seed,
      ...(calls === undefined
        ? {}
        : { constraint: { calls, thinking: endsInThinking(tokenizer, conversation.ids) } }),
    },
    {
      ...(signal === undefined ? {} : { signal }),
      ...(options.onText === undefined ? {} : { onTokens: (ids) => stream.push(ids) }),
    },
  );
  const { ids, logprobs, finish } = result;
  conversation.append([{ role: 'assistant', ids, sampled: true, logprobs, tier: null }]);
  const text = tokenizer.decode(ids, { skipSpecial: true });
  const limit = room < turnTokens ? 'context' : 'length';
  return { text, cut: finish === 'length' ? limit : null, cancelled: finish === 'cancel' };
}

/** Whether a prompt ends with an open `<think>`, as some templates leave it. */
function endsInThinking(tokenizer: Tokenizer, ids: readonly number[]): boolean {
  return tokenizer.decode(ids.slice(-THINK_TOKENS)).trimEnd().endsWith('<think>');
}

/** Decodes tokens as they come and hands on text that cannot change any more. */
class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #onText: ((text: string, count: number) => void) | undefined;
  #pending: number[] = [];

  constructor(tokenizer: Tokenizer, onText: ((text: string, count: number) => void) | undefined) {
    this.#tokenizer = tokenizer;
    this.#onText = onText;
  }

  push(ids: readonly number[]): void {
    this.#pending.push(...ids);
    const text = this.#tokenizer.decode(this.#pending, { skipSpecial: true });
    // A character of several tokens is whole only when its last one is there.
    if (text.endsWith('\uFFFD') && this.#pending.length < 8) return;
    this.#onText?.(text, this.#pending.length);
    this.#pending = [];
  }
}
