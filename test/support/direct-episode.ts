// The built-in servers of a task without a transport: the same handlers over the same states, at no
// cost.

import type { Toolbox } from '../../src/tools/toolbox.ts';
import { liveServers, serverSpecs } from '../../src/toolspace/toolspaces.ts';
import type { Task } from '../../src/trajectory/task.ts';

/** The tools of one episode of a task. */
export function directEpisode(task: Task): Toolbox {
  const live = liveServers(task.toolspace, task.world);
  return {
    servers: serverSpecs(task.toolspace, task.servers),
    call: async (server, tool, args) => {
      const found = live.get(server);
      if (found === undefined) throw new Error(`no server ${server}`);
      return found.call(tool, args);
    },
    state: async () =>
      Object.fromEntries(task.servers.map((name) => [name, live.get(name)?.state ?? null])),
    close: () => Promise.resolve(),
  };
}
