// Set-up of the GPU tests: WebGPU in Node by Dawn, on the device that ATLAS_DEVICE names.
// A device that is missing throws, so that no test is skipped for want of one.
import { create, globals } from 'webgpu';
import { DEVICES, deviceEnv, requiredDevices } from '../../scripts/devices.mjs';
import { restInWaits } from '../../src/cli/dawn-waits.ts';

const name = process.env['ATLAS_DEVICE'] ?? requiredDevices().at(-1) ?? 'vulkan';
// Dawn's loader reads the environment when `create` runs.
Object.assign(process.env, deviceEnv(name));
Object.assign(globalThis, globals);
restInWaits(globals);
const gpu = create([...(DEVICES[name]?.dawn ?? [])]);
// Dawn aborts the process when this object is collected.
Object.defineProperty(globalThis, '__dawn', { value: gpu, configurable: true });
// Node 20 has no navigator, later ones have one without `gpu`.
Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });

const adapter = await gpu.requestAdapter();
if (adapter === null) throw new Error(`${name}: Dawn has no adapter; run npm test to install it`);
const { vendor, architecture } = adapter.info;
const wanted = DEVICES[name];
if (
  (wanted?.vendor ?? vendor) !== vendor ||
  (wanted?.architecture ?? architecture) !== architecture
) {
  throw new Error(
    `${name}: got adapter ${vendor}/${architecture}, need ${wanted?.vendor}/${wanted?.architecture}`,
  );
}
