import { expect, onTestFinished, test, vi } from 'vitest';
import { restInWaits } from '../../../src/cli/dawn-waits.ts';

const WAIT_MS = 100;

/** A class whose promise a timer settles, as Dawn's do after turns of the event loop. */
function made(settle: () => unknown) {
  class GPUBuffer {
    mapAsync(mode: number): Promise<unknown> {
      return new Promise((resolve, reject) => {
        setTimeout(() => {
          try {
            resolve([this, mode, settle()]);
          } catch (error) {
            reject(error);
          }
        }, WAIT_MS);
      });
    }
  }
  return { GPUBuffer };
}

test('the event loop rests in a long wait, and no longer than it', async () => {
  const rest = vi.spyOn(Atomics, 'wait');
  onTestFinished(() => rest.mockRestore());
  const { GPUBuffer } = made(() => 'mapped');
  restInWaits({ GPUBuffer });
  restInWaits({ GPUBuffer });
  const buffer = new GPUBuffer();
  expect(await buffer.mapAsync(1)).toEqual([buffer, 1, 'mapped']);
  expect(rest).toHaveBeenCalled();
  // One turn may have been on its way.
  await new Promise((resolve) => setImmediate(resolve));
  rest.mockClear();
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  expect(rest).not.toHaveBeenCalled();
});

test('a failure is the same failure', async () => {
  const { GPUBuffer } = made(() => {
    throw new RangeError('too far');
  });
  restInWaits({ GPUBuffer });
  await expect(new GPUBuffer().mapAsync(1)).rejects.toThrow('too far');
});

test('classes that are not there, and methods, are left alone', () => {
  restInWaits({});
  class GPUQueue {}
  restInWaits({ GPUQueue, GPUBuffer: made(() => null).GPUBuffer });
  expect('onSubmittedWorkDone' in GPUQueue.prototype).toBe(false);
});
