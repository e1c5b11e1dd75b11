// From a WebGPU implementation to an open device. Knows no kernel.
import { DeviceError, errorMessage } from '../base/errors.ts';
import { capsOf } from './caps.ts';
import { Gpu } from './device.ts';

/** Features that are used when they are there. */
const WANTED_FEATURES: readonly GPUFeatureName[] = ['subgroups', 'shader-f16', 'timestamp-query'];

/**
 * Opens the best adapter that a WebGPU implementation offers.
 * @throws {DeviceError} when there is none, or the device cannot be opened.
 */
export async function openGpu(gpu: Pick<GPU, 'requestAdapter'> | undefined): Promise<Gpu> {
  if (gpu === undefined) {
    throw new DeviceError(
      'no-webgpu',
      'WebGPU: this environment has no navigator.gpu; use a current Chrome, Edge or Safari over https or localhost',
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new DeviceError(
      'no-adapter',
      'WebGPU: no adapter; a graphics driver is missing or blocked (on Linux start Chromium with --enable-unsafe-webgpu)',
    );
  }
  const caps = capsOf(adapter);
  try {
    const device = await adapter.requestDevice({
      requiredFeatures: WANTED_FEATURES.filter((name) => adapter.features.has(name)),
      requiredLimits: {
        maxBufferSize: caps.limits.maxBufferSize,
        maxStorageBufferBindingSize: caps.limits.maxStorageBufferBindingSize,
      },
    });
    return new Gpu(device, caps);
  } catch (cause) {
    throw new DeviceError('no-device', `WebGPU: the device did not open: ${errorMessage(cause)}`, {
      cause,
    });
  }
}
