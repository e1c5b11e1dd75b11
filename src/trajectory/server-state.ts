// What is kept of a server in one episode, wherever it is served. Knows no server and no store.
import type { JsonObject } from './json.ts';

export interface ServerState {
  /** Tells this state from every other one of the same server. */
  tag: string;
  state: JsonObject;
  /** The tool that is busy at first was asked. */
  wasBusy: boolean;
}
