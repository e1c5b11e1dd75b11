// The table of GPU devices: which must be there on which system, and how Dawn is pointed at each.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { browserFolders } from './browser.mjs';

/** Devices on which all GPU tests run, per operating system; one that is missing is a failure. */
export const REQUIRED_DEVICES = {
  linux: ['swiftshader', 'lavapipe'],
  darwin: ['metal'],
  win32: ['d3d12'],
};

/**
 * Per device: `driver` finds its Vulkan driver file (null: the system's own), `env` is set before
 * Dawn starts, `dawn` are Dawn's own options, and `vendor` and `architecture` are what its adapter
 * says (null: any). lavapipe's subgroup size follows its vector width, so that is pinned.
 */
export const DEVICES = {
  swiftshader: {
    driver: () => firstFile(browserFolders(), /^vk_swiftshader_icd\.json$/),
    env: {},
    dawn: ['backend=vulkan'],
    vendor: 'google',
    architecture: 'swiftshader',
  },
  lavapipe: {
    driver: () => firstFile(['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'], /^lvp_icd.*\.json$/),
    env: { LP_NATIVE_VECTOR_WIDTH: '512' },
    dawn: ['backend=vulkan'],
    vendor: 'mesa',
    architecture: 'software',
  },
  vulkan: { driver: null, env: {}, dawn: ['backend=vulkan'], vendor: null, architecture: null },
  metal: { driver: null, env: {}, dawn: ['backend=metal'], vendor: null, architecture: null },
  d3d12: { driver: null, env: {}, dawn: ['backend=d3d12'], vendor: null, architecture: null },
};

/** Names of the devices that this machine must have. */
export function requiredDevices() {
  return REQUIRED_DEVICES[process.platform] ?? [];
}

/**
 * Environment that points Dawn at a device.
 * @throws {Error} when the name is unknown or its driver file is not there.
 */
export function deviceEnv(name) {
  const device = DEVICES[name];
  if (device === undefined) {
    throw new Error(`ATLAS_DEVICE: got ${name}, need one of ${Object.keys(DEVICES).join(', ')}`);
  }
  if (device.driver === null) return { ...device.env };
  const file = device.driver();
  if (file === null) throw new Error(`${name}: its Vulkan driver is not there; run npm test`);
  return { ...device.env, VK_ICD_FILENAMES: file };
}

function firstFile(folders, pattern) {
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    const name = readdirSync(folder).find((entry) => pattern.test(entry));
    if (name !== undefined) return join(folder, name);
  }
  return null;
}
