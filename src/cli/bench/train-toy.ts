// The toy's training step against its own forward pass; with a file, its numbers for a peer.
import { writeFile } from 'node:fs/promises';
import type { Gpu } from '../../gpu/device.ts';
import { type Bench, interleaved, type Measured, timeMs } from './bench.ts';
import { openToy } from './toy.ts';

const ROUNDS = 5;

async function measure(gpu: Gpu, _model: string | null, out: string | null): Promise<Measured[]> {
  const toy = await openToy(gpu);
  if (out !== null) await writeFile(out, toy.numbers);
  const { first, second, ratio } = await interleaved(
    ROUNDS,
    () => timeMs(toy.step),
    () => timeMs(toy.forward),
  );
  toy.free();
  const peer = { name: 'its forward pass', value: second };
  return [{ name: 'train-toy', value: first, unit: 'ms', peer, ratio }];
}

export const trainToy: Bench = { name: 'train-toy', measure, writes: true };
