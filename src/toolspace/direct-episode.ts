// Episodes without a transport: tools run on the state itself. For teacher data, of which training
// reads millions of tokens; what a policy does is always played over real MCP (episode.ts).
import { openToolbox, type Toolbox, type ToolboxServer } from '../tools/toolbox.ts';
import type { EpisodeOptions } from './episode.ts';
import { LiveServer } from './live-server.ts';
import { serverSpec } from './server.ts';
import { serverOf, toolspaceOf } from './toolspaces.ts';

/**
 * Opens an episode whose calls run in place.
 * @throws {InputError} for an unknown toolspace or server.
 */
export function openDirectEpisode(options: EpisodeOptions): Promise<Toolbox> {
  const space = toolspaceOf(options.toolspace);
  const server = (name: string): ToolboxServer => {
    const live = new LiveServer(space, serverOf(space, name), options.world);
    const spec = serverSpec(live.def);
    return {
      spec,
      connect: () =>
        Promise.resolve({
          name,
          protocol: 'direct',
          listTools: () => Promise.resolve(spec.tools),
          call: (tool, args) => Promise.resolve(live.call(tool, args)),
          close: () => Promise.resolve(),
        }),
      readState: () => Promise.resolve(live.state),
    };
  };
  return Promise.resolve(openToolbox(options.servers.map(server)));
}
