// Opens the tools of an episode of the page: the built-in servers in this process or by the addresses that the page's service
// worker answers, and the user's own.
import type { EpisodeRuntime } from '../lab/runtime.ts';
import type { ConnectOptions } from '../tools/mcp-client.ts';
import { openEpisode, openExtendedEpisode, openRemoteEpisode } from '../toolspace/episode.ts';

/**
 * How an episode's tools are opened.
 * @param serversUrl address of the page's built-in servers, with a slash at its end.
 * @param added servers of the user's own.
 */
export function episodeOpener(
  serversUrl?: string,
  added: readonly ConnectOptions[] = [],
): EpisodeRuntime['openEpisode'] {
  return ({ world, servers, toolspace }, name) => {
    // A state at an address outlives its episode: a second one of the same task and seed must not find it.
    const episode = serversUrl === undefined ? name : `${name}-${crypto.randomUUID()}`;
    const options = { world, servers, toolspace, episode };
    const place =
      serversUrl === undefined
        ? null
        : { url: `${serversUrl}${toolspace}`, version: import.meta.env.TOOLSPACE_VERSION };
    if (added.length > 0) return openExtendedEpisode(options, added, place);
    return place === null ? openEpisode(options) : openRemoteEpisode({ ...options, ...place });
  };
}
