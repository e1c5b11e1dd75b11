// What one server may cost: waiting times, bytes, pages and tools, as data. Knows no server.

export interface ServerLimits {
  /** The whole of connecting, negotiation included. */
  connectMs: number;
  /** One page of a tool list. */
  listMs: number;
  /** A call may be silent for so long; progress starts the clock anew. */
  callMs: number;
  /** A call's clock is not started anew after so long. */
  callTotalMs: number;
  /** Of one response, read off the wire. */
  resultBytes: number;
  /** Of a whole tool list. */
  listBytes: number;
  pages: number;
  tools: number;
  /** Pauses before the second, third … attempt of a call that may be repeated; empty is never. */
  retryDelaysMs: readonly number[];
}

export const SERVER_LIMITS: Readonly<ServerLimits> = {
  connectMs: 20_000,
  listMs: 30_000,
  callMs: 60_000,
  callTotalMs: 300_000,
  resultBytes: 4 * 2 ** 20,
  listBytes: 8 * 2 ** 20,
  pages: 64,
  tools: 512,
  retryDelaysMs: [250, 1000],
};

/** What one tool's declaration may be. The text of a model's prompt is made of it. */
export interface ToolLimits {
  nameCharacters: number;
  descriptionCharacters: number;
  schemaBytes: number;
  schemaDepth: number;
  /** Places of a schema, each counted as often as references lead to it. */
  schemaPlaces: number;
}

export const TOOL_LIMITS: Readonly<ToolLimits> = {
  nameCharacters: 64,
  descriptionCharacters: 1024,
  schemaBytes: 64 * 2 ** 10,
  schemaDepth: 32,
  schemaPlaces: 5000,
};
