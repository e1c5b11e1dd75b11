// `npm start`: installs what is missing, builds the page, serves it and shows it.
import { spawn } from 'node:child_process';
import { fail, installPackages, ROOT, requireNode } from './install.mjs';

const FIRST_PORT = 4173;

requireNode();
const port = Number(process.env.PORT ?? FIRST_PORT);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  fail(`PORT: got ${process.env.PORT}, a port number is needed`);
}
installPackages();
process.chdir(ROOT);
const { build, preview } = await import('vite');
const started = performance.now();
try {
  await build({ root: ROOT, logLevel: 'warn' });
} catch (error) {
  fail(`the build failed: ${error.message}`);
}
process.stdout.write(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
const server = await preview({ root: ROOT, logLevel: 'warn', preview: { port } });
const url = server.resolvedUrls?.local[0];
if (url === undefined) fail('the server has no local address');
process.stdout.write(`Pocket Atlas: ${url} (stop with Ctrl-C)\n`);
openInBrowser(url);

/** Opens the page where a person can see it; a missing opener is no error, the URL is printed. */
function openInBrowser(address) {
  const { env, platform } = process;
  if (env.CI || env.BROWSER === 'none') return;
  if (platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY) return;
  const [program, ...args] =
    platform === 'darwin'
      ? ['open']
      : platform === 'win32'
        ? ['cmd', '/c', 'start', '']
        : ['xdg-open'];
  const child = spawn(program, [...args, address], { detached: true, stdio: 'ignore' });
  child.on('error', (error) => {
    process.stderr.write(`Open the address by hand (${program}: ${error.message})\n`);
  });
  child.unref();
}
