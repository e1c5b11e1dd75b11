// Any mode with one more meta tool: search over the shown tools by what they are for. It names them; a mode that loads
// schemas still has to load them.
import { ToolSearch } from '../tools/tool-search.ts';
import { cleanLine } from '../tools/untrusted-text.ts';
import type { ServerSpec, ToolSpec } from '../trajectory/tool.ts';
import type { ModeInEpisode, Route } from './modes.ts';
import { defused } from './prompt.ts';

/** Tools that a search names. */
const MOST_FOUND = 10;
const DESCRIPTION_CHARACTERS = 120;

export const SEARCH_TOOLS: ToolSpec = {
  name: 'search_tools',
  description: 'Finds tools of all servers by what they are for. Search for one step at a time.',
  inputSchema: {
    type: 'object',
    properties: { query: { type: 'string', description: 'What the tool should do.' } },
    required: ['query'],
  },
};

/** The mode with `search_tools{query}`: a line `server:tool description` for each tool that fits, best first. */
export function withSearch(
  mode: ModeInEpisode,
  servers: readonly ServerSpec[],
  isShown: boolean,
): ModeInEpisode {
  let index: ToolSearch | null = null;
  const answer = (query: unknown): Route => {
    const told = { kind: 'meta', tool: SEARCH_TOOLS.name, value: null } as const;
    if (typeof query !== 'string' || query.trim() === '') {
      return {
        ...told,
        text: 'query: need a few words that say what the tool should do',
        isError: true,
      };
    }
    index ??= new ToolSearch(servers);
    const lines = index.search(query, MOST_FOUND).map(({ server, tool }) => {
      const what = cleanLine(tool.description, DESCRIPTION_CHARACTERS);
      return defused(`${server}:${tool.name} ${what}`);
    });
    const text = lines.length > 0 ? lines.join('\n') : 'no tool fits; try other words';
    return { ...told, text, isError: false };
  };
  return {
    system: mode.system,
    templateTools: isShown ? [...mode.templateTools, SEARCH_TOOLS] : mode.templateTools,
    callable: () => [
      { name: SEARCH_TOOLS.name, inputSchema: SEARCH_TOOLS.inputSchema },
      ...mode.callable(),
    ],
    route: (call) =>
      call.name === SEARCH_TOOLS.name ? answer(call.arguments['query']) : mode.route(call),
  };
}
