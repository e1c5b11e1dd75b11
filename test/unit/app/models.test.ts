import { describe, expect, it } from 'vitest';
import { duration } from '../../../src/app/logic/format.ts';
import { progressText } from '../../../src/app/logic/model-progress.ts';

describe('durations', () => {
  it.each([
    [0.2, '1 s'],
    [89, '89 s'],
    [90, '2 min'],
    [3599, '1 h 0 min'],
    [3900, '1 h 5 min'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe('progress of a model', () => {
  const start = { name: 'm', doneBytes: 0, totalBytes: null, bytesPerSecond: null };

  it('says no more than is known', () => {
    expect(progressText({ ...start, phase: 'download', secondsLeft: null })).toBe('0 B');
    expect(
      progressText({ ...start, phase: 'check', totalBytes: 2e6, doneBytes: 1e6, secondsLeft: 0 }),
    ).toBe('Checking: 1.0 MB of 2.0 MB');
  });

  it('says how fast and how long', () => {
    const text = progressText({
      name: 'm',
      phase: 'download',
      doneBytes: 120e6,
      totalBytes: 640e6,
      bytesPerSecond: 12.1e6,
      secondsLeft: 43,
    });
    expect(text).toBe('120 MB of 640 MB, 12 MB/s, 43 s left');
  });
});
