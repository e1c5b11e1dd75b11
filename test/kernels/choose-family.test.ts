import { expect, it } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { chooseFamily, type FamilyMemory } from '../../src/kernels/choose-family.ts';
import { testGpu } from '../support/gpu.ts';

const opened = await testGpu();
/** The device before anything was chosen for it. */
const fresh = (description = opened.caps.description) =>
  new Gpu(opened.device, { ...opened.caps, description, family: 'gpu' });

/** A memory that tells how often it was written. */
function memoryOf(text: string | null): FamilyMemory & { text: string | null; writes: number } {
  return {
    ...{ text, writes: 0 },
    async read() {
      return this.text;
    },
    async write(next) {
      this.text = next;
      this.writes += 1;
    },
  };
}

it('measures a device once; a software driver gets the kernels without workgroup memory', async () => {
  const memory = memoryOf(null);
  const gpu = fresh();
  await chooseFamily(gpu, memory);
  expect(gpu.caps.family).toBe('cpu');
  const created = gpu.buffersCreated;
  expect(created).toBeGreaterThan(0);
  expect(gpu.liveBytes).toBe(0);
  const again = fresh();
  await chooseFamily(again, memory);
  expect(again.caps.family).toBe('cpu');
  expect(again.buffersCreated).toBe(0);
  expect(memory.writes).toBe(1);
});

it('goes by its memory, keeps what it knows of other devices, and does without a broken one', async () => {
  const memory = memoryOf('no JSON');
  await chooseFamily(fresh('one'), memory);
  const [adapter = ''] = Object.keys(JSON.parse(memory.text ?? ''));
  expect(adapter).toContain('one');
  memory.text = JSON.stringify({ [adapter]: 'gpu', other: 'cpu' });
  const gpu = fresh('one');
  await chooseFamily(gpu, memory);
  expect(gpu.caps.family).toBe('gpu');
  await chooseFamily(fresh('two'), memory);
  expect(JSON.parse(memory.text)).toMatchObject({ [adapter]: 'gpu', other: 'cpu' });
});
