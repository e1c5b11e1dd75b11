#!/usr/bin/env node
// `npm run -s atlas -- COMMAND`: runs the built command line, and builds it first when it is stale.
// stdout belongs to the command alone.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build-cli.mjs';
import { fail, ROOT, requireNode } from './install.mjs';

requireNode();
if (!existsSync(join(ROOT, 'node_modules', 'vite', 'package.json'))) {
  fail('pocket-atlas: node_modules is missing; run npm ci');
}
await ensureBuilt().catch((error) => fail(`pocket-atlas: ${error.message.split('\n')[0]}`));
// A reader that has seen enough (`| head`) closes the pipe: not a failure.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
const { main } = await import(pathToFileURL(join(ROOT, 'dist-cli', 'cli.js')).href);
process.exitCode = await main(process.argv.slice(2));
