// The system packages that the tests need: a browser and, on Linux, the software GPU drivers.
// As a program (`sudo node scripts/setup.mjs`) it installs them on Debian and does nothing else.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBrowser } from './browser.mjs';
import { DEVICES, requiredDevices } from './devices.mjs';
import { fail, requireNode, runShown } from './install.mjs';

/** Dawn refuses the lavapipe of older Mesa releases. */
const MESA_NEEDED = 24;
const SOURCES = '/etc/apt/sources.list.d';
/** What to run by hand where this program does not install by itself. */
const ONE_COMMAND = {
  debian: 'sudo node scripts/setup.mjs',
  ubuntu: 'sudo apt-get install -y libvulkan1 mesa-vulkan-drivers && sudo snap install chromium',
  fedora: 'sudo dnf install -y chromium vulkan-loader mesa-vulkan-drivers',
  arch: 'sudo pacman -S --noconfirm chromium vulkan-icd-loader vulkan-swrast',
  darwin: 'brew install --cask google-chrome',
  win32: 'winget install --id Google.Chrome',
};

/** What this machine lacks, as a list of names for a person; empty when all is there. */
export function missingParts() {
  const missing = findBrowser() === null ? ['a browser (Chromium, Chrome or Edge)'] : [];
  for (const name of requiredDevices()) {
    const { driver } = DEVICES[name];
    if (driver !== null && driver() === null) missing.push(`the ${name} driver`);
  }
  const mesa = mesaVersion();
  if (mesa !== null && mesa < MESA_NEEDED) missing.push(`Mesa ${MESA_NEEDED} (found ${mesa})`);
  return missing;
}

/** Makes sure that browser and drivers are there: installs them, or says what to run and ends. */
export function installSystemParts() {
  const missing = missingParts();
  if (missing.length === 0) return;
  const what = missing.join(', ');
  const system = systemName();
  if (system !== 'debian' || process.getuid?.() !== 0) {
    const command = ONE_COMMAND[system];
    fail(`${what}: missing; ${command ? `run: ${command}` : 'install it and try again'}`);
  }
  process.stdout.write(`Installing with apt: ${what}\n`);
  aptInstall();
  const still = missingParts();
  if (still.length > 0) fail(`${still.join(', ')}: still missing after apt`);
}

function systemName() {
  if (process.platform !== 'linux') return process.platform;
  const { ID: id, ID_LIKE: like = '' } = osRelease();
  return id in ONE_COMMAND
    ? id
    : (like.split(' ').find((name) => name in ONE_COMMAND) ?? 'unknown');
}

function osRelease() {
  if (!existsSync('/etc/os-release')) return {};
  const lines = readFileSync('/etc/os-release', 'utf8').matchAll(/^(\w+)="?([^"\n]*)"?$/gm);
  return Object.fromEntries([...lines].map(([, key, value]) => [key, value]));
}

/** Major version of the installed Mesa drivers, or null where dpkg does not know them. */
function mesaVersion() {
  if (!existsSync('/var/lib/dpkg/status')) return null;
  const status = readFileSync('/var/lib/dpkg/status', 'utf8');
  const entry = status.split('\n\n').find((text) => /^Package: mesa-vulkan-drivers$/m.test(text));
  if (entry === undefined || !/^Status: .* installed$/m.test(entry)) return null;
  const version = /^Version: (?:\d+:)?(\d+)/m.exec(entry)?.[1];
  return version === undefined ? null : Number(version);
}

function aptInstall() {
  const release = osRelease().VERSION_CODENAME;
  const backports = `${release}-backports`;
  const old = release === 'bookworm';
  if (old && !aptKnows(backports)) addBackports(backports);
  apt(['update']);
  apt(['install', '-y', '--no-install-recommends', 'chromium', 'libvulkan1']);
  const from = old ? ['-t', backports] : [];
  apt(['install', '-y', '--no-install-recommends', ...from, 'mesa-vulkan-drivers']);
}

function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if (runShown('apt-get', args, { env }) !== 0)
    fail(`apt-get ${args.join(' ')}: failed, see above`);
}

function aptKnows(suite) {
  const files = existsSync(SOURCES)
    ? readdirSync(SOURCES)
        .filter((name) => /\.(sources|list)$/.test(name))
        .map((name) => join(SOURCES, name))
    : [];
  return ['/etc/apt/sources.list', ...files]
    .filter((file) => existsSync(file))
    .some((file) => new RegExp(`^[^#]*\\b${suite}\\b`, 'm').test(readFileSync(file, 'utf8')));
}

/** Copies the first entry of Debian's own sources, whichever mirror that names. */
function addBackports(suite) {
  const stanzas = join(SOURCES, 'debian.sources');
  if (existsSync(stanzas)) {
    const first = readFileSync(stanzas, 'utf8')
      .trimStart()
      .split(/\n\s*\n/)[0];
    const text = first.replace(/^Suites:.*$/m, `Suites: ${suite}`);
    writeFileSync(join(SOURCES, 'backports.sources'), `${text}\n`);
    return;
  }
  const list = readFileSync('/etc/apt/sources.list', 'utf8');
  const line = /^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+\S+/m.exec(list);
  if (line === null) fail('/etc/apt/sources.list: no `deb` line to take the mirror from');
  const [, options = '', mirror] = line;
  writeFileSync(join(SOURCES, 'backports.list'), `deb ${options}${mirror} ${suite} main\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  requireNode();
  installSystemParts();
  const browser = findBrowser();
  const version = execFileSync(browser, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
  process.stdout.write(`Ready: ${version.toString().trim()}\n`);
}
