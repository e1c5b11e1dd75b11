// What a decoded token costs in dispatches, buffers and bind groups: exact numbers on every device.
import { freeAdapter, uploadAdapter } from '../../engine/adapter-weights.ts';
import type { Gpu } from '../../gpu/device.ts';
import { freshAdapter } from '../../train/targets.ts';
import { alone, type Bench, type Measured } from './bench.ts';
import { decodeRate } from './decode.ts';
import { benchEngine } from './subject.ts';

const ADAPTER = { rank: 8, alpha: 16 };
const TOKENS = 48;
/** Dispatches a token may take: so many a layer, and so many beside the layers. */
const LIMITS = { plain: 6, adapted: 10, rest: 8 };

async function measure(gpu: Gpu, path: string | null): Promise<Measured[]> {
  const { model, decoder, policy, free } = await benchEngine(gpu, path);
  const { layers } = model.config;
  const adapter = uploadAdapter(gpu, freshAdapter(model.config, ADAPTER, 1, null));
  const rows: Measured[] = [];
  for (const adapted of [false, true]) {
    decoder.setAdapter(adapted ? adapter : null);
    await decodeRate(policy, 1, TOKENS);
    const before = { buffers: gpu.buffersCreated, groups: gpu.pipelines.bindGroupsCreated };
    await decodeRate(policy, 1, TOKENS);
    const buffers = gpu.buffersCreated - before.buffers;
    const groups = gpu.pipelines.bindGroupsCreated - before.groups;
    const each = adapted ? LIMITS.adapted : LIMITS.plain;
    const limit = each * layers + LIMITS.rest;
    const suffix = adapted ? '-adapter' : '';
    const value = decoder.lastDispatches;
    rows.push(
      {
        ...{ name: `dispatches${suffix}`, value, unit: 'per token', ratio: value / limit },
        peer: { name: `limit ${each} L + ${LIMITS.rest}`, value: limit },
      },
      alone(`buffers${suffix}`, buffers / TOKENS, 'per token'),
      alone(`bind-groups${suffix}`, groups / TOKENS, 'per token'),
    );
  }
  decoder.setAdapter(null);
  freeAdapter(gpu, adapter);
  free();
  return rows;
}

export const counts: Bench = { name: 'counts', measure };
