// Calls of built-in tools in a page, over real MCP without a socket or to the page's service worker: the oracle's steps of
// drawn tasks, one after another.
// Called by ../tool-calls.mjs.
import '../../src/base/zod-config.ts';
import {
  type EpisodeOptions,
  openEpisode,
  openRemoteEpisode,
} from '../../src/toolspace/episode.ts';
import { generateTasks } from '../../src/toolspace/tasks.ts';
import { openPageServers } from '../../src/workers/service/register.ts';

/** The build lies two folders up. */
const FOLDER = new URL('../../', location.href).href;

/** Opens episodes by URL, of states that no earlier call has changed. */
async function urlOpener() {
  const url = `${await openPageServers(FOLDER)}full`;
  return (options: EpisodeOptions) =>
    openRemoteEpisode({ ...options, episode: crypto.randomUUID(), url });
}

/** Makes so many calls, connections included. @returns milliseconds, without the drawing of the tasks. */
async function play(count: number, seed: number, byUrl: boolean): Promise<number> {
  const open = byUrl ? await urlOpener() : openEpisode;
  const tasks = generateTasks({
    toolspace: 'full',
    split: 'test',
    count: Math.ceil(count / 2),
    seed,
  });
  const started = performance.now();
  let made = 0;
  for (const { world, servers, toolspace, oracle, id } of tasks) {
    if (made >= count) break;
    const toolbox = await open({ world, servers, toolspace, episode: id });
    for (const step of oracle.steps.slice(0, count - made)) {
      const { isError, text } = await toolbox.call(step.server, step.tool, step.arguments);
      if (isError !== (step.expectError ?? false)) throw new Error(`${step.tool}: ${text}`);
      made += 1;
    }
    await toolbox.close();
  }
  if (made < count) throw new Error(`made ${made} calls of ${count}`);
  return performance.now() - started;
}

Object.assign(globalThis, { bench: { play } });
