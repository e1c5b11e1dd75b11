// Our own training step in the page of a peer, on the adapter that the peer has. Called by train.js.
import { openToy, type ToyTraining } from '../../src/cli/bench/toy.ts';
import { openGpu } from '../../src/gpu/open-gpu.ts';
import { chooseFamily } from '../../src/kernels/choose-family.ts';

/** Chooses the kernels anew each time. */
const NO_MEMORY = { read: async () => null, write: async () => undefined };

interface OwnStep extends Pick<ToyTraining, 'numbers' | 'step'> {
  readonly adapter: string;
  readonly subgroupSize: number;
}

export async function openOwn(): Promise<OwnStep> {
  const gpu = await openGpu(navigator.gpu);
  await chooseFamily(gpu, NO_MEMORY);
  const { vendor, architecture, description, subgroupSize } = gpu.caps;
  const { numbers, step } = await openToy(gpu);
  // As the peer's page calls it; browsers leave out what would tell users apart.
  const adapter = [vendor, architecture, description].filter((part) => part !== '').join(' ');
  return { numbers, step, adapter, subgroupSize };
}
