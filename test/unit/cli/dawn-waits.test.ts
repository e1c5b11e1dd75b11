import { expect, test } from 'vitest';
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

async function turnsWhile(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let over = false;
  const count = () => {
    turns += 1;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await work.catch(() => undefined);
  over = true;
  return turns;
}

test('the event loop rests in a long wait, and goes on after it', async () => {
  const { GPUBuffer } = made(() => 'mapped');
  restInWaits({ GPUBuffer });
  restInWaits({ GPUBuffer });
  const buffer = new GPUBuffer();
  const work = buffer.mapAsync(1);
  // Without a rest an event loop turns many thousand times in this wait; with one it turns at most every 0.2 ms once half a
  // millisecond is over. A slow machine only turns less.
  const resting = await turnsWhile(work);
  expect(resting).toBeLessThan(2000);
  expect(await work).toEqual([buffer, 1, 'mapped']);
  const after = new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  expect(await turnsWhile(after)).toBeGreaterThan(resting);
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
  const { GPUBuffer } = made(() => null);
  restInWaits({ GPUQueue: class {}, GPUBuffer });
  expect(Object.keys(GPUBuffer.prototype)).not.toContain('onSubmittedWorkDone');
});
