// Names of tools: `server:tool` always works, the bare name where it is unique. Knows no mode.
import { nearest } from '../tools/nearest.ts';
import type { CallForm } from '../trajectory/interfaces.ts';
import type { ServerSpec, ToolSpec } from '../trajectory/tool.ts';

export type FoundTool = { server: ServerSpec; tool: ToolSpec } | { complaint: string };

/** The shortest name that works for a tool: bare when no other shown server has it. */
export function callName(servers: readonly ServerSpec[], server: string, tool: string): string {
  const owners = servers.filter((spec) => spec.tools.some((item) => item.name === tool));
  return owners.length > 1 ? `${server}:${tool}` : tool;
}

/** Every name that works for a tool of the shown servers, with the tool's schema. */
export function callForms(
  servers: readonly ServerSpec[],
  isCallable: (server: ServerSpec, tool: ToolSpec) => boolean,
): CallForm[] {
  return servers.flatMap((server) =>
    server.tools
      .filter((tool) => isCallable(server, tool))
      .flatMap(({ name, inputSchema }) => {
        const names = new Set([callName(servers, server.name, name), `${server.name}:${name}`]);
        return [...names].map((shown) => ({ name: shown, inputSchema }));
      }),
  );
}

/** The tool that a policy means, or what to tell it: the nearest names, or which servers share the name. */
export function findTool(servers: readonly ServerSpec[], name: string): FoundTool {
  for (const server of servers) {
    const tool = server.tools.find((item) => `${server.name}:${item.name}` === name);
    if (tool) return { server, tool };
  }
  const found = servers.flatMap((server) =>
    server.tools.filter((tool) => tool.name === name).map((tool) => ({ server, tool })),
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1) {
    const names = found.map(({ server }) => `${server.name}:${name}`);
    return { complaint: `'${name}' is a tool of several servers; use ${names.join(' or ')}` };
  }
  const all = servers.flatMap((server) =>
    server.tools.map((tool) => callName(servers, server.name, tool.name)),
  );
  const shown = `servers: ${servers.map((server) => server.name).join(', ')}`;
  return { complaint: `unknown tool '${name}'${suggestion(name, all, shown)}` };
}

/** `, did you mean x?`, or the given hint when nothing is near. */
export function suggestion(name: string, candidates: readonly string[], hint: string): string {
  const bare = name.slice(name.lastIndexOf(':') + 1);
  const limit = Math.max(2, Math.floor(bare.length / 3));
  const near = [name, bare].flatMap((text) => nearest(text, candidates, limit));
  const names = [...new Set(near)].slice(0, 3);
  return names.length > 0 ? `, did you mean ${names.join(' or ')}?` : `; ${hint}`;
}
