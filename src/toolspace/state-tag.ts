// How a client knows that a server over HTTP still has the state that its calls made. Every response tells the state's tag;
// a request that names another one is refused, so a state that was lost is never taken for one at its start.
import { ToolError } from '../base/errors.ts';
import type { Fetch } from '../tools/bounded-fetch.ts';

/** Header of the tag: `<version>.<id>`. A request may name a version alone: then any state of that version will do. */
export const STATE_TAG = 'atlas-state';

/** The tag of a new state. */
export function newStateTag(version: string): string {
  return `${version}.${crypto.randomUUID()}`;
}

const PRECONDITION_FAILED = 412;
const GONE = 410;

/**
 * A fetch for one server of one episode: names the tag that the first response told in all later requests.
 * @param version that the servers must have; any when it is not given.
 * @throws {ToolError} `state_lost` when the server has another state now, `not_served` when something else answered.
 */
export function tagKeepingFetch(server: string, version?: string): Fetch {
  let tag = version;
  return async (input, init) => {
    const request = new Request(input, init);
    if (tag !== undefined) request.headers.set(STATE_TAG, tag);
    const response = await fetch(request);
    const { status } = response;
    // Read to its end: the client drops a request with its answer at hand, and a browser would show that one as broken off.
    const body = response.body === null ? null : await response.arrayBuffer();
    const where = `server ${server} at ${request.url}`;
    const data = { server, status };
    if (status === PRECONDITION_FAILED || status === GONE) {
      const message = `${where}: its state was lost, or the page was updated meanwhile; reload the page and play the episode again`;
      throw new ToolError('state_lost', message, { data });
    }
    const told = response.headers.get(STATE_TAG);
    if (told === null && response.ok) {
      const message = `${where}: something else answered (status ${status}); reload the page`;
      throw new ToolError('not_served', message, { data });
    }
    tag = told ?? tag;
    return new Response(body, { status, headers: response.headers });
  };
}
