// A connection to one MCP server over streamable HTTP, both protocol eras: its tools, and calls of them. Knows no particular
// server, and trusts none.
import {
  type CallToolResult,
  type Client,
  type DiscoverResult,
  ProtocolError,
  SdkError,
  SdkErrorCode,
} from '@modelcontextprotocol/client';
import { z } from 'zod';
import { ToolError } from '../base/errors.ts';
import { type Json, type JsonObject, jsonObjectSchema, jsonSchema } from '../trajectory/json.ts';
import type { ToolSpec } from '../trajectory/tool.ts';
import type { ServerAuth } from './auth/server-auth.ts';
import type { Fetch } from './bounded-fetch.ts';
import { contentText } from './content.ts';
import { SERVER_LIMITS, type ServerLimits, TOOL_LIMITS } from './limits.ts';
import type { Sleep } from './retry.ts';
import { jsonSize, withoutSlowPatterns } from './schema-check.ts';
import { ServerLink } from './server-link.ts';
import { type ListedTool, readTools, type ToolProblem } from './tool-list.ts';
import { cleanLine, cleanText } from './untrusted-text.ts';
import { DECLARED, NO_ANSWER } from './watched-transport.ts';

/** What a call came back with. `value` is the structured content, else the parsed text when it is JSON, else null. */
export interface ToolAnswer {
  text: string;
  value: Json;
  isError: boolean;
}

/** How far a call is; `total` is null where the server does not know. */
export interface ToolProgress {
  progress: number;
  total: number | null;
  message: string;
}

export interface ListOptions {
  /** Ends the listing. */
  signal?: AbortSignal | undefined;
}

export interface CallOptions {
  /** Ends the call, and tells the server. */
  signal?: AbortSignal;
  onProgress?: (progress: ToolProgress) => void;
}

/** An open connection. */
export interface McpConnection {
  readonly name: string;
  /** Protocol revision that was agreed, such as 2026-07-28. */
  readonly protocol: string;
  /** @throws {ToolError} when the server fails. */
  listTools(options?: ListOptions): Promise<ToolSpec[]>;
  /** @throws {ToolError} when the server fails; errors of the tool come back as `isError`. */
  call(tool: string, args: JsonObject, options?: CallOptions): Promise<ToolAnswer>;
  close(): Promise<void>;
}

/** A server's tools as they are shown, and what was not taken as it came. */
export interface Catalogue {
  tools: ToolSpec[];
  problems: ToolProblem[];
}

/** What a server says of itself when it is first asked, of revision 2026-07-28 on. */
export type Greeting = DiscoverResult;

export interface ServerConnection extends McpConnection {
  /** Undefined for a server of an older revision. */
  readonly greeting: Greeting | undefined;
  /** What the server says of itself; untrusted text. */
  readonly description: string;
  /** @throws {ToolError} when the server fails. */
  list(options?: ListOptions): Promise<Catalogue>;
}

export interface ConnectOptions {
  name: string;
  url: string;
  /** In place of the global one: a server in the same process is reached by its own handler. */
  fetch?: Fetch;
  /** Where they differ from {@link SERVER_LIMITS}. */
  limits?: Partial<ServerLimits>;
  /** Sent to the origin of the server alone; their values are secrets. */
  headers?: Readonly<Record<string, string>>;
  auth?: ServerAuth;
  /** Pauses between attempts. */
  sleep?: Sleep;
  /** Of an earlier connection to the same server, by the same user: saves a request. */
  greeting?: Greeting | undefined;
  /** Ends the connecting. */
  signal?: AbortSignal;
  /** The server's tools have changed: the list, read anew, or why it could not be read. */
  onToolsChanged?: (catalogue: Catalogue | ToolError) => void;
}

/**
 * Connects to a server; the newest common revision is negotiated.
 * @throws {ToolError} when it cannot be reached or speaks no MCP.
 */
export async function connectServer(options: ConnectOptions): Promise<ServerConnection> {
  const connection = new HttpConnection(options);
  await connection.open();
  return connection;
}

const PROGRESS_CHARACTERS = 200;
const REFUSAL_CHARACTERS = 1000;
/** A request's headers do not fit the schema that the server has now: revision 2026-07-28. */
const HEADER_MISMATCH = -32020;

/** The tool asked back (`input_required`), and again and again. */
const ASKS: ReadonlySet<string> = new Set([
  SdkErrorCode.CapabilityNotSupported,
  SdkErrorCode.InputRequiredRoundsExceeded,
]);

const pageSchema = z.looseObject({
  _meta: z.looseObject({ [DECLARED]: z.array(z.unknown()) }),
  nextCursor: z.string().nullish(),
});

interface Page {
  tools: readonly unknown[];
  next: string | null;
}

class HttpConnection implements ServerConnection {
  readonly name: string;
  readonly #limits: ServerLimits;
  readonly #link: ServerLink;
  #tools = new Map<string, ListedTool>();

  constructor({ name, url, headers = {}, limits, ...rest }: ConnectOptions) {
    const { onToolsChanged } = rest;
    this.name = name;
    this.#limits = { ...SERVER_LIMITS, ...limits };
    this.#link = new ServerLink({
      name,
      url,
      headers,
      limits: this.#limits,
      fetch: rest.fetch ?? ((input, init) => fetch(input, init)),
      auth: rest.auth,
      sleep: rest.sleep,
      signal: rest.signal,
      greeting: rest.greeting,
      onToolsChanged: onToolsChanged && (() => this.#changed(onToolsChanged)),
    });
  }

  get protocol(): string {
    return this.#link.client?.getNegotiatedProtocolVersion() ?? '';
  }

  get greeting(): Greeting | undefined {
    return this.#link.client?.getDiscoverResult();
  }

  get description(): string {
    const said = this.#link.client?.getInstructions() ?? '';
    return this.#link.hide(cleanText(said, TOOL_LIMITS.descriptionCharacters));
  }

  open(): Promise<void> {
    return this.#link.open();
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async listTools(options?: ListOptions): Promise<ToolSpec[]> {
    return (await this.list(options)).tools;
  }

  async list({ signal }: ListOptions = {}): Promise<Catalogue> {
    const { declared, problems } = await this.#declared(signal);
    const era = this.#link.client?.getProtocolEra();
    const list = readTools(declared, {
      maxTools: this.#limits.tools,
      checkHeaders: era === 'modern',
    });
    this.#tools = new Map(list.tools.map((tool) => [tool.spec.name, tool]));
    return {
      tools: list.tools.map(({ spec }) => this.#link.hideIn(spec)),
      problems: [...list.problems, ...problems].map((problem) => this.#link.hideIn(problem)),
    };
  }

  /** Declarations of all pages, as far as they may go. */
  async #declared(
    signal: AbortSignal | undefined,
  ): Promise<{ declared: unknown[]; problems: ToolProblem[] }> {
    const { pages, listBytes, tools } = this.#limits;
    const declared: unknown[] = [];
    let bytes = 0;
    let cursor: string | null = null;
    for (let page = 0; page < pages; page++) {
      const { tools: found, next } = await this.#page(cursor, signal);
      bytes += jsonSize(found);
      if (bytes > listBytes) {
        const message = `server ${this.name}: its tool list has more than ${listBytes} bytes`;
        throw new ToolError('list_too_large', message, { data: { server: this.name } });
      }
      for (const tool of found) declared.push(tool);
      // One tool too many is enough to say so.
      if (next === null || next === cursor || declared.length > tools) {
        return { declared, problems: [] };
      }
      cursor = next;
    }
    const reason = `the list has more than ${pages} pages, those are taken`;
    return { declared, problems: [{ tool: `page ${pages + 1}`, kind: 'too_many', reason }] };
  }

  #page(cursor: string | null, signal: AbortSignal | undefined): Promise<Page> {
    const params = cursor === null ? {} : { cursor };
    const limits = { timeout: this.#limits.listMs, ...(signal === undefined ? {} : { signal }) };
    return this.#link.run(
      'listing its tools',
      async (client) => {
        if (client.getServerCapabilities()?.tools === undefined) return { tools: [], next: null };
        const request = { method: 'tools/list', params };
        const { _meta, nextCursor } = await client.request(request, pageSchema, limits);
        return { tools: _meta[DECLARED] ?? [], next: nextCursor ?? null };
      },
      { repeatable: true, signal },
    );
  }

  async #changed(tell: (catalogue: Catalogue | ToolError) => void): Promise<void> {
    try {
      tell(await this.list());
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      tell(error);
    }
  }

  async call(tool: string, args: JsonObject, options: CallOptions = {}): Promise<ToolAnswer> {
    const spec = this.#tools.get(tool)?.spec;
    const { signal } = options;
    return await this.#link.run(
      `calling ${tool}`,
      (client) => this.#answer(client, tool, args, options),
      { repeatable: spec?.readOnly === true || spec?.idempotent === true, signal },
    );
  }

  /** A refusal of the server is an answer that a policy can act on; only a lost one is thrown. */
  async #answer(
    client: Client,
    tool: string,
    args: JsonObject,
    options: CallOptions,
  ): Promise<ToolAnswer> {
    const request = () => this.#result(client, tool, args, options);
    try {
      return this.#read(
        await request().catch(async (error: unknown) => {
          if (!(error instanceof ProtocolError) || error.code !== HEADER_MISMATCH) throw error;
          await this.list();
          return request();
        }),
      );
    } catch (error) {
      const complaint = complaintOf(error);
      if (complaint === null) throw error;
      return { text: this.#link.hide(complaint), value: null, isError: true };
    }
  }

  #result(client: Client, tool: string, args: JsonObject, options: CallOptions) {
    const { callMs, callTotalMs } = this.#limits;
    const { signal, onProgress } = options;
    const listed = this.#tools.get(tool);
    return client.callTool(
      { name: listed?.wireName ?? tool, arguments: args },
      {
        timeout: callMs,
        maxTotalTimeout: callTotalMs,
        resetTimeoutOnProgress: true,
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined
          ? {}
          : {
              onprogress: ({ progress, total, message = '' }) =>
                onProgress({
                  progress,
                  total: total ?? null,
                  message: this.#link.hide(cleanLine(message, PROGRESS_CHARACTERS)),
                }),
            }),
        ...(listed === undefined ? {} : { toolDefinition: definitionOf(listed) }),
      },
    );
  }

  #read({ content, structuredContent, isError = false }: CallToolResult): ToolAnswer {
    const structured = structuredContent === undefined ? undefined : asJson(structuredContent);
    const said = contentText(content);
    const text = said === '' && structured !== undefined ? JSON.stringify(structured) : said;
    const value = structured === undefined ? parsed(text) : structured;
    return { text: this.#link.hide(text), value: this.#link.hideIn(value), isError };
  }
}

function definitionOf({ definition }: ListedTool): ListedTool['definition'] {
  const { outputSchema, ...rest } = definition;
  return outputSchema === undefined
    ? rest
    : { ...rest, outputSchema: withoutSlowPatterns(outputSchema) };
}

/** What to tell a policy in place of a result; null when the server failed. */
function complaintOf(error: unknown): string | null {
  if (error instanceof SdkError && ASKS.has(error.code)) {
    return 'the tool wants to ask the user for something, which it cannot do here';
  }
  if (!(error instanceof ProtocolError) || isNoAnswer(error)) return null;
  return `the server refused the call: ${cleanLine(error.message, REFUSAL_CHARACTERS)}`;
}

function isNoAnswer({ data }: ProtocolError): boolean {
  return jsonObjectSchema.safeParse(data).data?.['reason'] === NO_ANSWER;
}

/** What came as JSON. @throws {ToolError} when it is nested too deeply to be read. */
function asJson(value: unknown): Json {
  try {
    return jsonSchema.parse(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ToolError('result_too_deep', 'its result is nested too deeply');
  }
}

function parsed(text: string): Json {
  if (!/^\s*[[{"\d\-tfn]/.test(text)) return null;
  try {
    return asJson(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
