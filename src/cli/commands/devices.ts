// `atlas devices`: the adapters that this machine offers.
import { capsOf } from '../../gpu/caps.ts';
import { Flags } from '../flags.ts';
import { DEVICE_FLAGS, listAdapters } from '../node-gpu.ts';
import { printJson } from '../output.ts';

export async function devices(argv: readonly string[]): Promise<void> {
  const flags = new Flags('devices', argv, DEVICE_FLAGS);
  const found = (await listAdapters(flags)).map((adapter) => {
    const { vendor, architecture, description, software, features, limits, subgroupSize } =
      capsOf(adapter);
    return { vendor, architecture, description, software, features, limits, subgroupSize };
  });
  printJson({ devices: found });
}
