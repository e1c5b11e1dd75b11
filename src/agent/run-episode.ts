// One episode: policy -> tool calls -> observations -> Trace. What goes wrong in it is told on the trace; only bad
// input throws. Must not know engines, toolspaces or rewards.
import { defined } from '../base/assert.ts';
import { AtlasError, errorMessage, ToolError } from '../base/errors.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { type ChatTool, templateTakesTools } from '../tokenizer/chat-template.ts';
import { NANO_TEMPLATE } from '../tokenizer/nano-template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Toolbox } from '../tools/toolbox.ts';
import type { Experiment } from '../trajectory/experiment.ts';
import type { JsonObject } from '../trajectory/json.ts';
import type { Task } from '../trajectory/task.ts';
import {
  type CallRecord,
  CODE_INTERPRETER,
  type ToolCall,
  type ToolSpec,
} from '../trajectory/tool.ts';
import type { End, Message, Mode, Trace } from '../trajectory/trace.ts';
import { type AgentPolicy, type SeatedPolicy, seatPolicy, takeTurn } from './agent-policy.ts';
import { Conversation, Framing, type Observation } from './conversation.ts';
import type { AgentEvent } from './events.ts';
import { isMalformed, type MalformedCall, parseMessage } from './grammar.ts';
import { type ModeInEpisode, startMode } from './modes.ts';
import { GET_TOOLS_INFO, type InnerResult, needSandbox, Programs } from './programs.ts';
import { type PromptStyle, type SchemaStyle, schemaText } from './prompt.ts';
import { withSearch } from './search-mode.ts';

export type { AgentPolicy } from './agent-policy.ts';
export type { AgentEvent } from './events.ts';

export type Limits = Experiment['limits'];

export interface EpisodeOptions {
  task: Task;
  /** Names the trace and the policy's sequence; the task's id and the seed when it is left out. */
  id?: string;
  mode: Mode;
  policy: AgentPolicy;
  /** Stays open: closing it is the caller's. */
  toolbox: Toolbox;
  limits: Limits;
  /** The rollout's seed, the same for every turn. */
  seed: number;
  temperature: number;
  promptStyle: PromptStyle;
  schemaStyle: SchemaStyle;
  enableThinking?: boolean;
  /** A policy of tokens can write only calls that can be made; see `CallConstraint`. */
  constrain?: boolean;
  /** The policy has `search_tools` besides what the mode gives it. */
  search?: boolean;
  /** Where programs run; needed by ptc only. Stays open: closing it is the caller's. */
  sandbox?: Sandbox | undefined;
  signal?: AbortSignal;
  onEvent?: (event: AgentEvent) => void;
}

/**
 * Plays one episode. `scores` and `success` are null: scoring is the rubric's.
 * @throws {InputError} for ptc without a sandbox; {ModelFileError} for a template that cannot be used.
 */
export async function runEpisode(options: EpisodeOptions): Promise<Trace> {
  const episode = new Episode(options);
  await episode.play();
  return episode.finish();
}

/** Framings by tokenizer: their renders serve every episode. */
const framings = new WeakMap<Tokenizer, Map<string, Framing>>();

function framingOf(tokenizer: Tokenizer, enableThinking: boolean | undefined): Framing {
  const byOption = framings.get(tokenizer) ?? new Map<string, Framing>();
  framings.set(tokenizer, byOption);
  const key = String(enableThinking);
  const known = byOption.get(key);
  if (known) return known;
  const template = tokenizer.chatTemplate ?? NANO_TEMPLATE;
  const made = new Framing({
    tokenizer,
    template,
    ...(enableThinking === undefined ? {} : { enableThinking }),
  });
  byOption.set(key, made);
  return made;
}

function chatTool({ name, description, inputSchema }: ToolSpec): ChatTool {
  return { type: 'function', function: { name, description, parameters: inputSchema } };
}

/** `budget` is the context in tokens: the run's limit, or the model's where that is less. */
class Episode {
  readonly #options: EpisodeOptions;
  readonly #id: string;
  readonly #policy: SeatedPolicy;
  readonly #mode: ModeInEpisode;
  /** Of ptc; null in other modes. */
  readonly #programs: Programs | null;
  readonly #conversation: Conversation;
  readonly #budget: number;
  readonly #messages: Message[] = [];
  readonly #calls: CallRecord[] = [];
  #turn = 0;
  #answer: string | null = null;
  #end: End | null = null;
  #error: string | null = null;

  constructor(options: EpisodeOptions) {
    const { task, mode, toolbox, policy, limits } = options;
    this.#options = options;
    this.#id = options.id ?? `${task.id}-${options.seed}`;
    const { servers } = toolbox;
    this.#policy = seatPolicy(policy, { task, mode, servers, seed: options.seed });
    const { promptStyle, schemaStyle, search } = options;
    const { seed: worldSeed } = task.world;
    const plain = startMode({ mode, servers, worldSeed, promptStyle, schemaStyle });
    this.#mode = search ? withSearch(plain, servers, promptStyle === 'full') : plain;
    this.#programs = mode === 'ptc' ? this.#openPrograms() : null;
    this.#budget =
      policy.kind === 'tokens'
        ? Math.min(limits.contextTokens, policy.policy.contextLength)
        : limits.contextTokens;
    this.#conversation = this.#startConversation();
  }

  #openPrograms(): Programs {
    const { task, toolbox, seed, schemaStyle, sandbox, limits } = this.#options;
    return new Programs({
      sandbox: needSandbox(sandbox),
      servers: toolbox.servers,
      task,
      seed,
      schemaStyle,
      owner: {
        mayCall: () => {
          const made = this.#calls.filter(({ inProgram, meta }) => inProgram && !meta).length;
          if (made >= limits.calls) this.#end = 'calls';
          return made < limits.calls;
        },
        callTool: (server, tool, args) => this.#callTool(server, tool, args),
        record: (server, tool, args, result) => {
          // A call that was at work when the episode was stopped came to nothing.
          if (this.#options.signal?.aborted) return;
          this.#told({ ...this.#record(server, tool, args, result), inProgram: true });
        },
        recordInfo: (tools, result) => {
          const record = this.#record(null, GET_TOOLS_INFO, { tools: [...tools] }, result);
          this.#told({ ...record, meta: true, inProgram: true });
        },
      },
    });
  }

  #startConversation(): Conversation {
    const { policy, task, enableThinking, schemaStyle } = this.#options;
    const { templateTools } = this.#mode;
    const template = policy.tokenizer.chatTemplate ?? NANO_TEMPLATE;
    const byTemplate = templateTakesTools(template);
    const system = [...this.#mode.system];
    if (!byTemplate && templateTools.length > 0) {
      const list = `Tools:\n${schemaText(templateTools, schemaStyle)}`;
      system.push({ text: system.length === 0 ? list : `\n\n${list}`, origin: 'schemas' });
      this.#emit({
        kind: 'note',
        text: 'The model has no place for tools: the prompt lists them.',
      });
    }
    const conversation = new Conversation(framingOf(policy.tokenizer, enableThinking), {
      system,
      user: task.prompt,
      tools: byTemplate ? templateTools.map(chatTool) : [],
    });
    if (conversation.system !== null) {
      this.#messages.push({ role: 'system', content: conversation.system });
    }
    this.#messages.push({ role: 'user', content: task.prompt });
    return conversation;
  }

  /** Takes turns until the episode ends. */
  async play(): Promise<void> {
    const { signal } = this.#options;
    const contextTokens = this.#conversation.length;
    const messages = [...this.#messages];
    this.#emit({ kind: 'start', id: this.#id, messages, contextTokens });
    try {
      while (this.#end === null) {
        if (signal?.aborted) this.#end = 'cancel';
        else await this.#takeTurn();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#programs?.close();
      if (this.#policy.kind === 'tokens') this.#policy.policy.release(this.#id);
    }
  }

  async #takeTurn(): Promise<void> {
    const { limits, seed, temperature, constrain, signal, onEvent } = this.#options;
    const room = this.#budget - this.#conversation.length;
    if (room < 1) {
      this.#end = 'context';
      return;
    }
    const turn = await takeTurn(this.#policy, {
      sequence: this.#id,
      conversation: this.#conversation,
      messages: this.#messages,
      seed,
      temperature,
      turnTokens: limits.turnTokens,
      room,
      calls: constrain ? this.#mode.callable() : undefined,
      signal,
      onText: onEvent ? (text, count) => this.#tokens(text, count) : undefined,
    });
    // A reply of text that does not fit was not appended, so it is no message either.
    if (turn.cut === 'context' && this.#policy.kind === 'chat') {
      this.#end = 'context';
      return;
    }
    const parsed = parseMessage(turn.text);
    const made = parsed.calls.filter((call): call is ToolCall => !isMalformed(call));
    const message: Message = { role: 'assistant', content: turn.text };
    if (parsed.thinking !== '') message.thinking = parsed.thinking;
    if (made.length > 0) message.toolCalls = made;
    this.#messages.push(message);
    const contextTokens = this.#conversation.length;
    this.#emit({ kind: 'message', turn: this.#turn, message, contextTokens });
    if (turn.cancelled) this.#end = 'cancel';
    else if (turn.cut !== null && made.length === 0 && !parsed.complete) this.#end = turn.cut;
    else if (parsed.answer !== null) {
      this.#answer = parsed.answer;
      this.#end = 'answer';
    } else await this.#act(parsed.calls);
    this.#turn++;
  }

  /** Makes the calls of one message in order and appends what came back. */
  async #act(calls: readonly (ToolCall | MalformedCall)[]): Promise<void> {
    const { limits, signal } = this.#options;
    const observations: Observation[] = [];
    for (const call of calls) {
      if (this.#calls.filter(({ inProgram }) => !inProgram).length >= limits.calls) {
        this.#end = 'calls';
        return;
      }
      this.#emit({ kind: 'call', turn: this.#turn, call: isMalformed(call) ? null : call });
      const { length } = this.#calls;
      const record = await this.#call(call);
      if (signal?.aborted) {
        this.#end = 'cancel';
        return;
      }
      this.#told(record);
      observations.push(observationOf(record, this.#calls.slice(length, -1)));
      // A program asked for more calls than there are.
      if (this.#end !== null) return;
    }
    const segments = this.#conversation.follow(observations);
    const added = segments.reduce((sum, { ids }) => sum + ids.length, 0);
    if (this.#conversation.length + added >= this.#budget) {
      this.#end = 'context';
      return;
    }
    this.#conversation.append(segments);
    for (const { text } of observations) this.#messages.push({ role: 'tool', content: text });
  }

  async #call(call: ToolCall | MalformedCall): Promise<CallRecord> {
    if (isMalformed(call)) {
      return this.#record(null, '', {}, { text: call.malformed, value: null, isError: true });
    }
    const route = this.#mode.route(call);
    if (route.kind === 'meta') {
      return { ...this.#record(null, route.tool, call.arguments, route), meta: true };
    }
    if (route.kind === 'refused') {
      const { server, tool, text } = route;
      return this.#record(server, tool, call.arguments, { text, value: null, isError: true });
    }
    if (route.kind === 'program') {
      const answer = await this.#runProgram(route.code);
      return { ...this.#record(null, route.tool, call.arguments, answer), meta: true };
    }
    const answer = await this.#callTool(route.server, route.tool, call.arguments);
    return this.#record(route.server, route.tool, call.arguments, answer);
  }

  async #runProgram(code: string): Promise<InnerResult> {
    const programs = defined(this.#programs, 'programs of the mode');
    const { text, isError } = await programs.run(code, this.#options.signal);
    return { text, value: null, isError };
  }

  #told(record: CallRecord): void {
    this.#calls.push(record);
    this.#emit({ kind: 'observation', record, contextTokens: this.#conversation.length });
  }

  /** A tool that throws is an observation; a broken server, or an abort, is not. */
  async #callTool(server: string, tool: string, args: JsonObject): Promise<InnerResult> {
    const { toolbox, signal } = this.#options;
    try {
      return await toolbox.call(server, tool, args, signal ? { signal } : {});
    } catch (error) {
      if (error instanceof ToolError || signal?.aborted) throw error;
      return { text: `the tool failed: ${errorMessage(error)}`, value: null, isError: true };
    }
  }

  #record(server: string | null, tool: string, args: JsonObject, answer: InnerResult): CallRecord {
    const { text, cutCharacters } = cutText(answer.text, this.#options.limits.resultCharacters);
    const { value, isError } = answer;
    const result = { text, value, isError, tier: 'live' as const, cutCharacters };
    return { turn: this.#turn, server, tool, arguments: args, meta: false, result };
  }

  #tokens(text: string, count: number): void {
    const contextTokens = this.#conversation.length;
    this.#emit({ kind: 'tokens', turn: this.#turn, text, count, contextTokens });
  }

  #fail(error: unknown): void {
    if (this.#options.signal?.aborted) {
      this.#end = 'cancel';
      return;
    }
    this.#end = 'error';
    const code = error instanceof AtlasError ? ` (${error.code})` : '';
    this.#error = `${errorMessage(error)}${code}`;
  }

  #emit(event: AgentEvent): void {
    this.#options.onEvent?.(event);
  }

  /** Reads the final state and puts the trace together. */
  async finish(): Promise<Trace> {
    const { task, mode, toolbox, policy, seed, temperature, constrain } = this.#options;
    let finalState: Trace['finalState'] = {};
    try {
      finalState = await toolbox.state();
    } catch (error) {
      finalState = Object.fromEntries(toolbox.servers.map(({ name }) => [name, null]));
      if (this.#end !== 'cancel' && this.#end !== 'error') this.#fail(error);
    }
    const end = this.#end ?? 'error';
    const error = this.#error;
    const answer = this.#answer;
    const contextTokens = this.#conversation.length;
    this.#emit({ kind: 'end', end, answer, error, contextTokens });
    return {
      v: 1,
      id: this.#id,
      task,
      mode,
      policy: policy.policy.name,
      seed,
      temperature,
      ...(constrain ? { constrained: true } : {}),
      messages: this.#messages,
      segments: this.#conversation.segments,
      calls: this.#calls,
      answer,
      end,
      error,
      contextTokens,
      context: this.#conversation.context,
      finalState,
      scores: null,
      success: null,
    };
  }
}

/** What comes back of a call; a program that called nothing but `get_tools_info` loaded schemas. */
function observationOf(
  { result: { text, tier }, meta, tool }: CallRecord,
  inner: readonly CallRecord[],
): Observation {
  const reads = tool !== CODE_INTERPRETER || (inner.length > 0 && inner.every((one) => one.meta));
  return { text, tier, origin: meta && reads ? 'schemas' : 'results' };
}

/** Cuts a result at a number of characters, never through a surrogate pair, and says so. */
export function cutText(text: string, limit: number): { text: string; cutCharacters: number } {
  if (text.length <= limit) return { text, cutCharacters: 0 };
  const high = text.charCodeAt(limit - 1);
  const end = high >= 0xd800 && high <= 0xdbff ? limit - 1 : limit;
  const cutCharacters = text.length - end;
  return { text: `${text.slice(0, end)}… (cut, ${cutCharacters} more characters)`, cutCharacters };
}
