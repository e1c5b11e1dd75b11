// One open device per test file, on the adapter that test/support/device.ts registered.
import { type Gpu, openGpu } from '../../src/gpu/device.ts';

let opened: Promise<Gpu> | null = null;

/** The file's device; throws when there is no adapter. */
export function testGpu(): Promise<Gpu> {
  opened ??= openGpu(globalThis.navigator.gpu);
  return opened;
}
