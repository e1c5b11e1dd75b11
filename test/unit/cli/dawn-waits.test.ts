import { expect, test } from 'vitest';
import { restInWaits } from '../../../src/cli/dawn-waits.ts';

const WAIT_MS = 100;
const BEGINNING_MS = 20;

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

/** Turns of the event loop while something is waited for, without those at its beginning. */
async function laterTurns(work: Promise<unknown>): Promise<number> {
  const began = performance.now();
  let turns = 0;
  let over = false;
  const count = () => {
    if (performance.now() - began > BEGINNING_MS) turns += 1;
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
  // With a rest of 0.2 ms it turns at most 400 times, without one many thousand times. A slow machine only turns less.
  const resting = await laterTurns(work);
  expect(resting).toBeLessThan(1000);
  expect(await work).toEqual([buffer, 1, 'mapped']);
  const after = new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  expect(await laterTurns(after)).toBeGreaterThan(resting);
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
