// Decoding with steps sent ahead of the ones that are read, against one step at a time: what the wait between them costs.
import { EnginePolicy } from '../../engine/policy.ts';
import { StepPace } from '../../engine/step-pace.ts';
import type { Gpu } from '../../gpu/device.ts';
import { type Bench, interleaved, type Measured } from './bench.ts';
import { decodeRate } from './decode.ts';
import { benchEngine } from './subject.ts';

const ROUNDS = 7;

async function measure(gpu: Gpu, path: string | null): Promise<Measured[]> {
  const { decoder, policy, free } = await benchEngine(gpu, path);
  const single = new EnginePolicy('single', decoder, { eosIds: [], pace: new StepPace(1) });
  const rows: Measured[] = [];
  for (const count of [1, 16]) {
    const { first, second, ratio } = await interleaved(
      ROUNDS,
      () => decodeRate(policy, count),
      () => decodeRate(single, count),
    );
    const peer = { name: 'one step at a time', value: second };
    rows.push({ name: `decode-${count}-ahead`, value: first, unit: 'tokens/s', peer, ratio });
  }
  free();
  return rows;
}

export const ahead: Bench = { name: 'ahead', measure };
