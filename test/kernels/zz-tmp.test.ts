import { it } from 'vitest';
import { encodeAttention, encodeAttentionGrad } from '../../src/kernels/attention.ts';
import { encodeAttentionCached } from '../../src/kernels/attention-cached.ts';
import { encodeLogSoftmax, encodeLogitsGrad, logSoftmaxScratchShape } from '../../src/kernels/log-softmax.ts';
import type { KernelPass } from '../../src/gpu/pass.ts';
import { attentionCase, attentionInput } from '../support/attention-case.ts';
import { testGpu } from '../support/gpu.ts';
const gpu = await testGpu();
async function time(name: string, f: (p: KernelPass) => void) {
  const pass = gpu.pass(); f(pass);
  const n = pass.entries.length;
  gpu.submit(pass); await gpu.idle();
  const ts: number[] = [];
  for (let i = 0; i < 30; i++) { const t = performance.now(); gpu.submit(pass); await gpu.idle(); ts.push(performance.now() - t); }
  ts.sort((p, q) => p - q);
  console.log(`RES ${name} median ${ts[15]?.toFixed(2)} min ${ts[0]?.toFixed(2)} (${n} dispatches)`);
  if (n > 1) for (const [i, e] of pass.entries.entries()) { const u: number[] = []; for (let r = 0; r < 10; r++) { const t = performance.now(); gpu.submit([e]); await gpu.idle(); u.push(performance.now() - t); } u.sort((a, b) => a - b); console.log(`RES    ${i} ${u[0]?.toFixed(2)}`); }
}
it('bench', async () => {
  const c = attentionCase([256, 256], [4, 2, 32]);
  const { M, H, G, D } = c.shape;
  const x = attentionInput(c);
  const a = { q: gpu.upload('q', [M, H, D], x.q), k: gpu.upload('k', [M, G, D], x.k), v: gpu.upload('v', [M, G, D], x.v), start: gpu.upload('s', [M], x.start), o: gpu.tensor('o', [M, H, D]), lse: gpu.tensor('l', [M, H]) };
  await time('forward', (p) => encodeAttention(p, a));
  await time('backward', (p) => encodeAttentionGrad(p, { ...a, end: gpu.upload('e', [M], x.end), dO: gpu.upload('d', [M, H, D], x.dO), row: gpu.tensor('row', [M, H, 2]), dq: gpu.tensor('a', [M, H, D]), dk: gpu.tensor('b', [M, G, D]), dv: gpu.tensor('c', [M, G, D]) }));
  for (const B of [1, 4, 16]) {
    const S = 16, pages = 20;
    const kC = gpu.tensor('k', [S * pages * 16, G, D]); const vC = gpu.tensor('v', [S * pages * 16, G, D]);
    await time(`decode B=${B} ctx 300`, (p) => encodeAttentionCached(p, { q: gpu.tensor('q', [B, H, D]), kCache: kC, vCache: vC, pageTable: gpu.upload('t', [S, pages], Uint32Array.from({ length: S * pages }, (_, i) => i)), rowSlot: gpu.upload('s', [B], Uint32Array.from({ length: B }, (_, i) => i)), rowPosition: gpu.upload('p', [B], new Uint32Array(B).fill(299)), o: gpu.tensor('o', [B, H, D]), rows: 'decode' }));
  }
  const [C, V] = [512, 512];
  const l = { logits: gpu.tensor('l', [C, V]), targets: gpu.upload('t', [C], new Uint32Array(C)), lse: gpu.tensor('x', [C]) };
  await time('log_softmax 512x512', (p) => encodeLogSoftmax(p, { ...l, partial: gpu.tensor('p', logSoftmaxScratchShape(C, V)), logprob: gpu.tensor('y', [C]), entropy: gpu.tensor('z', [C]) }));
  await time('logits_grad 512x512', (p) => encodeLogitsGrad(p, { ...l, coef: gpu.upload('c', [C], new Float32Array(C).fill(1)) }));
});
