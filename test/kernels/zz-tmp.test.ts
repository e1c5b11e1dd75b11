import { it } from 'vitest';
import { encodeAttention } from '../../src/kernels/attention.ts';
import { attentionCase, attentionInput } from '../support/attention-case.ts';
import { testGpu } from '../support/gpu.ts';
import { Gpu } from '../../src/gpu/device.ts';
const g0 = await testGpu();
const gpu = process.env['SG'] === undefined ? g0 : new Gpu(g0.device, { ...g0.caps, subgroupSize: Number(process.env['SG']) });
console.log('sg', gpu.caps.subgroupSize);
const Ds = (process.env['DS'] ?? '4,8,16,32').split(',').map(Number);
for (const D of Ds) it(`D ${D}`, async () => {
  const c = attentionCase([256, 256], [4, 2, D]);
  const { M, H, G } = c.shape;
  const x = attentionInput(c);
  const a = { q: gpu.upload('q', [M, H, D], x.q), k: gpu.upload('k', [M, G, D], x.k), v: gpu.upload('v', [M, G, D], x.v), start: gpu.upload('s', [M], x.start), o: gpu.tensor('o', [M, H, D]), lse: gpu.tensor('l', [M, H]) };
  const t0 = performance.now();
  const pass = gpu.pass();
  encodeAttention(pass, a);
  gpu.submit(pass); await gpu.idle();
  const t1 = performance.now();
  const ts: number[] = [];
  for (let i = 0; i < 10; i++) { const t = performance.now(); gpu.submit(pass); await gpu.idle(); ts.push(performance.now() - t); }
  ts.sort((p, q) => p - q);
  console.log(`D ${D} first ${(t1 - t0).toFixed(0)} ms, median ${ts[5]?.toFixed(2)} min ${ts[0]?.toFixed(2)}`);
});
