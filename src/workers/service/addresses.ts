// Where the page's service worker lies and what it answers, relative to the folder of the page. Knows no server.

/** The build and the development server put the worker here: its folder is its scope. */
export const WORKER_PATH = 'service-worker.js';

/** What the addresses of the built-in servers begin with. */
export const SERVERS_PATH = 'mcp/';

/** Message to the service worker: answer this page and its workers from now on, and say so to the port that comes with it. */
export const CLAIM = 'claim';
