// The numbers of a training step that peers repeat.
import { expect, it } from 'vitest';
import { readSafetensors } from '../../src/adapter/safetensors.ts';
import { openToy } from '../../src/cli/bench/toy.ts';
import { testGpu } from '../support/gpu.ts';

const gpu = await testGpu();

it('has a gradient for each adapter matrix, and the loss of its own forward pass', async () => {
  const toy = await openToy(gpu);
  const { tensors, metadata } = readSafetensors(toy.numbers);
  const of = (name: string) => tensors.find((tensor) => tensor.name === name);
  const matrices = tensors.filter(({ name }) => /^blk\.\d\.\w+\.[AB]$/.test(name));
  // 4 layers of 7 projections of 2 matrices.
  expect(matrices.length).toBe(56);
  for (const { name, shape } of matrices) {
    const gradient = of(`${name}.gradient`);
    expect([name, gradient?.shape]).toEqual([name, shape]);
    const norm = Math.hypot(...(gradient?.values ?? []));
    expect(norm, name).toBeGreaterThan(1e-4);
    expect(norm, name).toBeLessThan(10);
  }
  const [logprobs = []] = await toy.forward();
  const trained = logprobs.slice(1);
  expect(trained.length).toBe(127);
  const mean = -trained.reduce((sum, one) => sum + one, 0) / trained.length;
  expect(of('loss')?.values[0]).toBeCloseTo(mean, 4);
  expect(JSON.parse(metadata['config'] ?? '')).toMatchObject({ layers: 4, vocab: 4096 });
  toy.free();
});
