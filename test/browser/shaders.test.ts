// The GPU layer inside a page: the shader sources arrive there, and the device computes.
import { expect, test } from 'vitest';
import { openGpu } from '../../src/gpu/open-gpu.ts';
import { SHADER_FILES } from '../../src/gpu/shaders.ts';

test('the page has the shader files', () => {
  expect(SHADER_FILES.length).toBeGreaterThan(0);
});

test('what is uploaded is read back', async () => {
  const gpu = await openGpu(navigator.gpu);
  const tensor = gpu.upload('numbers', [2, 2], new Float32Array([1, -2, 0.5, 4096]));
  expect([...(await gpu.readF32(tensor))]).toEqual([1, -2, 0.5, 4096]);
  gpu.destroy();
});
