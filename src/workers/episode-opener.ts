// Opens the tools of an episode of the page: in this process, or by the addresses that the page's service worker answers.
import type { EpisodeRuntime } from '../lab/runtime.ts';
import { openEpisode, openRemoteEpisode } from '../toolspace/episode.ts';

/**
 * How an episode's tools are opened.
 * @param serversUrl address of the page's built-in servers, with a slash at its end.
 */
export function episodeOpener(serversUrl?: string): EpisodeRuntime['openEpisode'] {
  return ({ world, servers, toolspace }, episode) => {
    if (serversUrl === undefined) return openEpisode({ world, servers, toolspace, episode });
    return openRemoteEpisode({
      ...{ world, servers, toolspace },
      // A state at an address outlives its episode: a second one of the same task and seed must not find it.
      episode: `${episode}-${crypto.randomUUID()}`,
      url: `${serversUrl}${toolspace}`,
      version: import.meta.env.TOOLSPACE_VERSION,
    });
  };
}
