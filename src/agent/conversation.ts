// A conversation as token segments: what the model saw and sampled, never re-tokenised. The tokens between sampled turns
// are cut out of renders of the model's own chat template round placeholders. Must not know tools, modes or policies.
import { defined } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import { type ChatMessage, type ChatTool, renderChat } from '../tokenizer/chat-template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Tier } from '../trajectory/tool.ts';
import type { OriginCounts, Role, Segment } from '../trajectory/trace.ts';
import { countOrigins, type Piece, turnPieces } from './context-origins.ts';

export interface FramingOptions {
  tokenizer: Tokenizer;
  template: string;
  /** Qwen3's `enable_thinking`; left out when not given. */
  enableThinking?: boolean;
}

/** Text of a template round one message's content. */
interface Frame {
  before: string;
  after: string;
}

/** What stands after an assistant's content up to its next turn. */
interface Between {
  closer: string;
  tools: readonly Frame[];
  prompt: string;
}

/** What stands before the first sampled turn. `system` is null without a system message. */
interface Start {
  system: Frame | null;
  /** What the template wrote into the system message after our text (its tool list). */
  systemExtra: string;
  user: Frame;
  prompt: string;
}

const PLACEHOLDER = 'PLACEHOLDERZQ';
const mark = (index: number): string => `${PLACEHOLDER}${index}X`;

/** The texts that a chat template puts round contents. Renders are kept: they depend only on the number of messages. */
export class Framing {
  readonly tokenizer: Tokenizer;
  readonly #template: string;
  readonly #enableThinking: boolean | undefined;
  readonly #between = new Map<number, Between>();
  readonly #starts = new Map<string, Start>();

  constructor({ tokenizer, template, enableThinking }: FramingOptions) {
    this.tokenizer = tokenizer;
    this.#template = template;
    this.#enableThinking = enableThinking;
  }

  /** Frames of the first prompt. @throws {ModelFileError} when the template does not print the contents once each. */
  start(hasSystem: boolean, tools: readonly ChatTool[]): Start {
    const key = `${hasSystem} ${tools.length > 0 ? JSON.stringify(tools) : ''}`;
    const known = this.#starts.get(key);
    if (known) return known;
    const user = { role: 'user', content: mark(1) };
    const system = { role: 'system', content: mark(0) };
    const messages = hasSystem ? [system, user] : [user];
    const marks = hasSystem ? [0, 1] : [1];
    const open = this.#split(this.#render(messages, true, tools), marks);
    const closed = this.#split(this.#render(messages, false, tools), marks);
    const userCloser = wholeTags(commonPrefix(last(open), last(closed)));
    const prompt = last(open).slice(userCloser.length);
    const first = defined(open[0], 'text before the first content');
    let start: Start = {
      system: null,
      systemExtra: '',
      user: { before: first, after: userCloser },
      prompt,
    };
    if (hasSystem) {
      const gap = defined(open[1], 'text between system and user');
      const at = userCloser === '' ? -1 : gap.lastIndexOf(userCloser);
      const end = at < 0 ? gap.length : at + userCloser.length;
      start = {
        system: { before: first, after: gap.slice(0, end) },
        systemExtra: at < 0 ? '' : gap.slice(0, at),
        user: { before: gap.slice(end), after: userCloser },
        prompt,
      };
    }
    if (this.#starts.size >= 64) this.#starts.clear();
    this.#starts.set(key, start);
    return start;
  }

  /** Frames between an assistant's content and its next turn, with `count` tool messages in between. */
  between(count: number): Between {
    const known = this.#between.get(count);
    if (known) return known;
    const messages: ChatMessage[] = [
      { role: 'user', content: mark(0) },
      { role: 'assistant', content: mark(1) },
    ];
    const closed = this.#split(this.#render(messages, false, []), [0, 1]);
    const marks = [0, 1];
    for (let i = 0; i < count; i++) {
      messages.push({ role: 'tool', content: mark(i + 2) });
      marks.push(i + 2);
    }
    const gaps = this.#split(this.#render(messages, true, []), marks).slice(2);
    const end = last(this.#split(this.#render(messages, false, []), marks));
    const first = defined(gaps[0], 'text after the placeholder turn');
    const closer = wholeTags(commonPrefix(first, last(closed)));
    const tools: Frame[] = [];
    let before = first.slice(closer.length);
    for (const gap of gaps.slice(1)) {
      const after = wholeTags(commonPrefix(gap, end));
      tools.push({ before, after });
      before = gap.slice(after.length);
    }
    const between = { closer, tools, prompt: before };
    this.#between.set(count, between);
    return between;
  }

  #render(
    messages: readonly ChatMessage[],
    addGenerationPrompt: boolean,
    tools: readonly ChatTool[],
  ): string {
    return renderChat(this.#template, {
      messages,
      tools,
      addGenerationPrompt,
      bosToken: this.tokenizer.bosToken,
      eosToken: this.tokenizer.eosToken,
      ...(this.#enableThinking === undefined ? {} : { enableThinking: this.#enableThinking }),
    });
  }

  /** The texts round the placeholders, one more than there are marks. */
  #split(text: string, marks: readonly number[]): string[] {
    const pieces: string[] = [];
    let rest = text;
    for (const index of marks) {
      const parts = rest.split(mark(index));
      const [before, after] = parts;
      if (parts.length !== 2 || before === undefined || after === undefined) {
        throw new ModelFileError(
          'chat-template-placeholder',
          `chat template: a message's content was printed ${parts.length - 1} times, need once and ` +
            'in order; choose a model whose template prints every message',
        );
      }
      pieces.push(before);
      rest = after;
    }
    return [...pieces, rest];
  }
}

/** An observation before it is tokenised. */
export interface Observation {
  text: string;
  tier: Tier;
  /** What it is there for; by default a result. */
  origin?: 'schemas' | 'results';
}

export class Conversation {
  readonly segments: Segment[] = [];
  /** System text as the model saw it, with what the template added; null without a system message. */
  readonly system: string | null;
  /** Tokens by origin: of the first prompt, then of each turn with what follows it. */
  readonly context: OriginCounts[] = [{}];
  readonly #framing: Framing;
  readonly #ids: number[] = [];
  /** Texts of the segments that were made here; turns are read from their ids. */
  readonly #pieces = new WeakMap<Segment, readonly Piece[]>();

  /** Starts with the prompt: system (left out when empty and without tools), user, and the turn's opener. */
  constructor(
    framing: Framing,
    prompt: { system: readonly Piece[]; user: string; tools: readonly ChatTool[] },
  ) {
    this.#framing = framing;
    const system = prompt.system.map(({ text }) => text).join('');
    const hasSystem = system !== '' || prompt.tools.length > 0;
    const start = framing.start(hasSystem, prompt.tools);
    this.system = start.system === null ? null : system + start.systemExtra;
    if (start.system !== null) {
      const { before, after } = start.system;
      const extra = { text: start.systemExtra, origin: 'schemas' } as const;
      const rest = { text: after.slice(start.systemExtra.length), origin: 'frame' } as const;
      const pieces = [{ text: before, origin: 'frame' } as const, ...prompt.system, extra, rest];
      this.append([this.#fixed('system', before + system + after, pieces)]);
    }
    this.append([
      this.#framedSegment(empty('user'), start.user, { text: prompt.user, origin: 'request' }),
      this.#fixed('assistant', start.prompt),
    ]);
  }

  /** Every id so far: the segments joined. */
  get ids(): readonly number[] {
    return this.#ids;
  }

  get length(): number {
    return this.#ids.length;
  }

  /** Adds segments; ones without ids are left out. */
  append(segments: readonly Segment[]): void {
    for (const segment of segments) {
      if (segment.ids.length === 0) continue;
      this.#count(segment);
      this.segments.push(segment);
      for (const id of segment.ids) this.#ids.push(id);
    }
  }

  #count(segment: Segment): void {
    const { tokenizer } = this.#framing;
    const known = this.#pieces.get(segment);
    if (known === undefined) this.context.push({});
    const counts = defined(this.context.at(-1), 'counts of a turn');
    const pieces = known ?? turnPieces(tokenizer.decode(segment.ids));
    countOrigins(counts, tokenizer, segment.ids, pieces);
  }

  /** Ids of an assistant's text that was not sampled token by token; `close` ends it with the template's end token. */
  encodeTurn(text: string, close: boolean): number[] {
    const ids = this.#encode(text);
    if (!close) return ids;
    const { eosIds } = this.#framing.tokenizer;
    const [first] = this.#encode(this.#framing.between(1).closer);
    const end = first !== undefined && eosIds.includes(first) ? first : eosIds[0];
    return end === undefined ? ids : [...ids, end];
  }

  /**
   * Segments that follow the turn at the end: its closer (without an end token that was sampled), one segment for each
   * observation, and the next turn's opener. They are not appended yet, so that the caller can see whether they fit.
   */
  follow(observations: readonly Observation[]): Segment[] {
    const { closer, tools, prompt } = this.#framing.between(observations.length);
    const closing = this.#encode(closer);
    const sampledEnd = closing.length > 0 && closing[0] === this.#ids.at(-1);
    const isEnd = this.#framing.tokenizer.eosIds.includes(closing[0] ?? -1);
    const closed = { ...empty('assistant'), ids: sampledEnd && isEnd ? closing.slice(1) : closing };
    this.#pieces.set(closed, [{ text: closer, origin: 'frame' }]);
    const segments: Segment[] = [closed];
    observations.forEach(({ text, tier, origin = 'results' }, i) => {
      const frame = defined(tools[i], 'frame of an observation');
      segments.push(this.#framedSegment({ ...empty('tool'), tier }, frame, { text, origin }));
    });
    segments.push(this.#fixed('assistant', prompt));
    return segments;
  }

  #fixed(
    role: Role,
    text: string,
    pieces: readonly Piece[] = [{ text, origin: 'frame' }],
  ): Segment {
    const segment = { ...empty(role), ids: this.#encode(text) };
    this.#pieces.set(segment, pieces);
    return segment;
  }

  #framedSegment(like: Segment, frame: Frame, content: Piece): Segment {
    const segment = { ...like, ids: this.#framed(frame, content.text) };
    const { before, after } = frame;
    const around = (text: string): Piece => ({ text, origin: 'frame' });
    this.#pieces.set(segment, [around(before), content, around(after)]);
    return segment;
  }

  #encode(text: string): number[] {
    return this.#framing.tokenizer.encode(text, { special: true });
  }

  /** Ids of a content in its frame. Special tokens written in the content stay plain characters. */
  #framed({ before, after }: Frame, content: string): number[] {
    const { tokenizer } = this.#framing;
    if (!tokenizer.hasSpecial(content)) return this.#encode(before + content + after);
    const plain = tokenizer.encode(content);
    return [...this.#encode(before), ...plain, ...this.#encode(after)];
  }
}

function empty(role: Role): Segment {
  return { role, ids: [], sampled: false, logprobs: null, tier: null };
}

function last(list: readonly string[]): string {
  return defined(list.at(-1), 'text after the last content');
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}

/** Moves a cut back before a tag that it would divide. */
function wholeTags(text: string): string {
  return text.replace(/<[^>]*$/, '');
}
