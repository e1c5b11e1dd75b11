// The device that the GPU tests run on is the one they were asked to run on, and it computes.
import { expect, test } from 'vitest';
import { DEVICES, requiredDevices } from '../../scripts/devices.mjs';
import { openGpu } from '../../src/gpu/open-gpu.ts';

const name = process.env['ATLAS_DEVICE'] ?? requiredDevices().at(-1) ?? 'vulkan';

test('the adapter is the named one', async () => {
  const adapter = await navigator.gpu.requestAdapter();
  const row = DEVICES[name];
  expect(adapter).not.toBeNull();
  expect(adapter?.info.vendor).toBe(row?.vendor ?? adapter?.info.vendor);
  expect(adapter?.info.architecture).toBe(row?.architecture ?? adapter?.info.architecture);
});

test('what is uploaded is read back', async () => {
  const gpu = await openGpu(navigator.gpu);
  const tensor = gpu.upload('numbers', [2, 2], new Float32Array([1, -2, 0.5, 4096]));
  expect([...(await gpu.readF32(tensor))]).toEqual([1, -2, 0.5, 4096]);
  gpu.destroy();
});
