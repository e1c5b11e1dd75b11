// Starts the servers that the suite examines and prints their URLs: a built-in one, and one with the suite's tools.
import { serveHttp } from '../../src/cli/serve.ts';
import { createHost } from '../../src/toolspace/host.ts';
import { fixtureHandler } from './fixture.ts';

const host = createHost({ toolspace: 'core' });
const handler = fixtureHandler();
const [builtIn, fixture] = await Promise.all([
  serveHttp(host.fetch, 0),
  serveHttp((request) => handler.fetch(request), 0),
]);
const local = (url: string) => url.replace('127.0.0.1', 'localhost');
console.log(
  JSON.stringify({
    builtIn: `${local(builtIn.url)}/mcp/1/conformance/units`,
    fixture: `${local(fixture.url)}/mcp`,
  }),
);
