// WebGPU in Node: Dawn, and the Vulkan driver that it is pointed at.
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { create, globals } from 'webgpu';
import { DeviceError, errorMessage, InputError } from '../base/errors.ts';
import { isKernelFamily, KERNEL_FAMILIES, type KernelFamily } from '../gpu/caps.ts';
import type { Gpu } from '../gpu/device.ts';
import { GpuSupply } from '../gpu/gpu-supply.ts';
import { openGpu } from '../gpu/open-gpu.ts';
import { chooseFamily, type FamilyMemory } from '../kernels/choose-family.ts';
import { restInWaits } from './dawn-waits.ts';
import { nodeDisk } from './disk.ts';
import type { Flags } from './flags.ts';

/** Flags that every command with a device takes. */
export const DEVICE_FLAGS = {
  'device-index': 'string',
  'dawn-toggles': 'string',
  kernels: 'string',
} as const;

/** Software drivers that are tried when the system's own drivers give no adapter, best first. */
const SOFTWARE_DRIVERS: readonly { folders: readonly string[]; file: RegExp }[] = [
  { folders: ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'], file: /^lvp_icd.*\.json$/ },
  {
    folders: ['/usr/lib/chromium', '/opt/google/chrome', '/usr/lib/chromium-browser'],
    file: /^vk_swiftshader_icd\.json$/,
  },
];

/** llvmpipe's vector width sets its subgroup size: another width would be another device. */
const VECTOR_WIDTH = '512';

function softwareDrivers(): string[] {
  return SOFTWARE_DRIVERS.flatMap(({ folders, file }) =>
    folders
      .filter((folder) => existsSync(folder))
      .flatMap((folder) =>
        readdirSync(folder)
          .filter((name) => file.test(name))
          .map((name) => join(folder, name)),
      ),
  );
}

/** Dawn aborts the process when one of these is collected. */
const started: GPU[] = [];

function start(toggles: readonly string[]): GPU {
  Object.assign(globalThis, globals);
  restInWaits(globals);
  process.env['LP_NATIVE_VECTOR_WIDTH'] ??= VECTOR_WIDTH;
  const options = toggles.length > 0 ? [`enable-dawn-features=${toggles.join(',')}`] : [];
  const gpu = create(options);
  started.push(gpu);
  return gpu;
}

function togglesOf(flags: Flags): string[] {
  return (flags.text('dawn-toggles') ?? '').split(',').filter((name) => name !== '');
}

/** An adapter, and the way to ask for it again: one gives one device. */
interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly ask: () => Promise<GPUAdapter | null>;
}

async function findAdapters(flags: Flags): Promise<FoundAdapter[]> {
  const found: FoundAdapter[] = [];
  const add = async (gpu: GPU) => {
    for (const options of [
      { powerPreference: 'high-performance' },
      { powerPreference: 'low-power' },
      { forceFallbackAdapter: true },
    ] as const) {
      const ask = () => gpu.requestAdapter(options);
      const adapter = await ask();
      const same = ({ adapter: other }: FoundAdapter) =>
        other.info.description === adapter?.info.description &&
        other.info.device === adapter?.info.device;
      if (adapter !== null && !found.some(same)) found.push({ adapter, ask });
    }
  };
  await add(start(togglesOf(flags)));
  if (process.env['VK_ICD_FILENAMES'] === undefined) {
    for (const driver of softwareDrivers()) {
      process.env['VK_ICD_FILENAMES'] = driver;
      await add(start(togglesOf(flags)));
    }
    delete process.env['VK_ICD_FILENAMES'];
  }
  return found;
}

/** Adapters that Dawn offers, best first: the discrete GPU, another GPU, software. */
export async function listAdapters(flags: Flags): Promise<GPUAdapter[]> {
  return (await findAdapters(flags)).map(({ adapter }) => adapter);
}

/**
 * Opens the first real GPU, else the software driver that VK_ICD_FILENAMES names, else a known one of this machine.
 * @throws {DeviceError} when there is none, {InputError} for a device index that does not exist.
 */
export async function openNodeGpu(flags: Flags): Promise<Gpu> {
  return openWith(await findNodeGpu(flags), familyOf(flags));
}

/** What --kernels asks for; null leaves it to measurement. */
function familyOf(flags: Flags): KernelFamily | null {
  const family = flags.text('kernels') ?? 'auto';
  if (family === 'auto') return null;
  if (isKernelFamily(family)) return family;
  const known = KERNEL_FAMILIES.join(' or ');
  throw new InputError('kernels', `--kernels: got "${family}", need auto, ${known}`);
}

async function openWith(
  gpu: Pick<GPU, 'requestAdapter'>,
  family: KernelFamily | null,
): Promise<Gpu> {
  const opened = await openGpu(gpu);
  if (family === null) await chooseFamily(opened, familyMemory());
  else opened.useFamily(family);
  return opened;
}

/** A file in the user's cache folder. Where that cannot be written, every program measures for itself. */
function familyMemory(): FamilyMemory {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pocket-atlas');
  const path = join(folder, 'kernels.json');
  return {
    read: () => readFile(path, 'utf8').catch(() => null),
    write: async (text) => {
      const fresh = `${path}.${process.pid}`;
      try {
        await nodeDisk.makeDirectory(folder);
        await nodeDisk.writeFile(fresh, new TextEncoder().encode(text));
        await nodeDisk.rename(fresh, path);
      } catch (error) {
        process.stderr.write(`kernels: not remembered: ${errorMessage(error)}\n`);
      }
    },
  };
}

/**
 * Opens devices on what {@link openNodeGpu} finds, which is looked for once.
 * @throws {DeviceError} and InputError from `get`, as openNodeGpu does.
 */
export function nodeGpuSupply(flags: Flags): GpuSupply {
  let found: ReturnType<typeof findNodeGpu> | null = null;
  const family = familyOf(flags);
  return new GpuSupply({
    open: async () => {
      found ??= findNodeGpu(flags);
      return openWith(await found, family);
    },
  });
}

async function findNodeGpu(flags: Flags): Promise<Pick<GPU, 'requestAdapter'>> {
  const index = flags.text('device-index');
  if (index !== undefined) return findByIndex(flags, flags.integer('device-index', 0));
  const gpu = start(togglesOf(flags));
  if ((await gpu.requestAdapter()) !== null) return gpu;
  for (const driver of softwareDrivers()) {
    process.env['VK_ICD_FILENAMES'] = driver;
    const software = start(togglesOf(flags));
    if ((await software.requestAdapter()) !== null) return software;
  }
  throw new DeviceError(
    'no-adapter',
    'GPU: no adapter and no software driver found; install a Vulkan driver (Debian: mesa-vulkan-drivers) or set VK_ICD_FILENAMES',
  );
}

async function findByIndex(flags: Flags, index: number): Promise<Pick<GPU, 'requestAdapter'>> {
  const adapters = await findAdapters(flags);
  const chosen = adapters[index];
  if (chosen === undefined) {
    throw new InputError(
      'device-index',
      `--device-index: got ${index}, this machine has devices 0 to ${adapters.length - 1} (see atlas devices)`,
    );
  }
  return { requestAdapter: chosen.ask };
}
