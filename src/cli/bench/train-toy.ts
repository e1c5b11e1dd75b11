// The toy's training step against its own forward pass, and a group's shared prompt; with a file, its numbers for a peer.
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
  const group = await interleaved(
    ROUNDS,
    () => timeMs(toy.group.apart),
    () => timeMs(toy.group.shared),
  );
  toy.free();
  const peer = { name: 'its forward pass', value: second };
  const apart = { name: 'the prompt with each completion', value: group.first };
  return [
    { name: 'train-toy', value: first, unit: 'ms', peer, ratio },
    {
      name: 'train-toy-prefix',
      value: group.second,
      unit: 'ms',
      peer: apart,
      ratio: group.ratio,
    },
  ];
}

export const trainToy: Bench = { name: 'train-toy', measure, writes: true };
