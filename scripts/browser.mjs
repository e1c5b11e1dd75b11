// Finds an installed Chromium, Chrome or Edge. Plain Node, installs nothing.
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const LINUX_NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
  'microsoft-edge-stable',
];
const MAC_NAMES = ['Google Chrome', 'Chromium', 'Microsoft Edge'];
const WINDOWS_PATHS = [
  'Google\\Chrome\\Application\\chrome.exe',
  'Chromium\\Application\\chrome.exe',
  'Microsoft\\Edge\\Application\\msedge.exe',
];

/** Start flags per operating system; Linux pins the software driver that every machine has. */
const FLAGS = {
  linux: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  darwin: [],
  win32: [],
};

/** The flags that the tests start a browser with. */
export function browserFlags() {
  return FLAGS[process.platform] ?? [];
}

/** Path of the browser (`CHROMIUM_PATH` first), or null when there is none. */
export function findBrowser() {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') return existsSync(named) ? named : null;
  return candidates().find((path) => existsSync(path)) ?? null;
}

function candidates() {
  const { env, platform } = process;
  if (platform === 'darwin') {
    return ['/Applications', join(homedir(), 'Applications')].flatMap((folder) =>
      MAC_NAMES.map((name) => join(folder, `${name}.app`, 'Contents', 'MacOS', name)),
    );
  }
  if (platform === 'win32') {
    const folders = [env.ProgramFiles, env['ProgramFiles(x86)'], env.LOCALAPPDATA];
    return folders
      .filter((folder) => folder !== undefined)
      .flatMap((folder) => WINDOWS_PATHS.map((path) => join(folder, path)));
  }
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/snap/bin'];
  const inPath = LINUX_NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...inPath, ...playwrightBrowsers()];
}

function playwrightBrowsers() {
  const cache = join(homedir(), '.cache', 'ms-playwright');
  if (!existsSync(cache)) return [];
  return readdirSync(cache)
    .filter((name) => /^chromium-\d+$/.test(name))
    .flatMap((name) =>
      ['chrome-linux', 'chrome-linux64'].map((folder) => join(cache, name, folder, 'chrome')),
    );
}

/** Folders in which a browser keeps its SwiftShader driver; most likely first. */
export function browserFolders() {
  const browser = findBrowser();
  return [
    ...(browser === null ? [] : [dirname(realpathSync(browser))]),
    '/usr/lib/chromium',
    '/usr/lib64/chromium-browser',
    '/usr/lib/chromium-browser',
    '/snap/chromium/current/usr/lib/chromium-browser',
    '/opt/google/chrome',
    '/opt/microsoft/msedge',
  ];
}
