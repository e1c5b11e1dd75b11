// How the server of cors-server.ts behaves, as data. Runs in a page too.

export interface CorsConfig {
  behaves:
    | 'modern'
    | 'legacy'
    | 'html'
    | 'login'
    | 'moved'
    | '401'
    | '401 with challenge'
    | '403'
    | '404'
    | '500'
    | 'not mcp'
    | 'at /mcp'
    | 'hangs';
  /** Sent with every answer. */
  headers: Record<string, string>;
  /** Status of the answer to OPTIONS, and what it sends beside `headers`. */
  preflight: { status: number; headers: Record<string, string> };
}

/** All that a page of any origin needs. */
export const OPEN: CorsConfig = {
  behaves: 'modern',
  headers: {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'mcp-session-id, mcp-protocol-version, www-authenticate',
  },
  preflight: {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers':
        'content-type, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id, authorization, last-event-id',
    },
  },
};
