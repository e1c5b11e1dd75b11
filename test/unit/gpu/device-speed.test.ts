import { describe, expect, it } from 'vitest';
import { DeviceSpeed } from '../../../src/gpu/device-speed.ts';

/** Work that begins at `at` on an idle device and takes `ms`. */
function run(speed: DeviceSpeed, work: number, at: number, ms: number): void {
  speed.done(speed.sent(work, at), at + ms);
}

describe('the speed of a device', () => {
  it('is low until something was measured, then what was measured', () => {
    const speed = new DeviceSpeed();
    // 4e6 units a millisecond.
    expect(speed.workIn(200)).toBe(8e8);
    run(speed, 1e9, 0, 100);
    expect(speed.workIn(200)).toBeCloseTo(2e9, -3);
  });

  it('rises and falls with the device', () => {
    const speed = new DeviceSpeed();
    for (let i = 0; i < 30; i++) run(speed, 1e9, i * 1000, 100);
    expect(speed.workIn(1)).toBeCloseTo(1e7, -2);
    for (let i = 0; i < 30; i++) run(speed, 1e9, 1e5 + i * 1000, 400);
    // 4 times as long: 2.5e6 units a millisecond, as near as 30 steps of 0.3 come.
    expect(speed.workIn(1)).toBeGreaterThan(2.4e6);
    expect(speed.workIn(1)).toBeLessThan(2.6e6);
    for (let i = 0; i < 30; i++) run(speed, 1e9, 1e6 + i * 1000, 5);
    expect(speed.workIn(1)).toBeGreaterThan(1.9e8);
  });

  it('is not what one slow first run of a kernel says, nor a submit too short to tell', () => {
    const speed = new DeviceSpeed();
    run(speed, 1e9, 0, 100);
    run(speed, 1e9, 1000, 50_000);
    // At most twice the estimate, of which 0.3 counts: 1.3 times as slow.
    expect(speed.workIn(1)).toBeCloseTo(1e7 / 1.3, -2);
    const before = speed.workIn(1);
    run(speed, 1e3, 60_000, 5);
    expect(speed.workIn(1)).toBe(before);
  });

  it('counts neither the time that a device was idle nor earlier work', () => {
    const speed = new DeviceSpeed();
    run(speed, 1e9, 0, 100);
    // Two at once that are seen done one after the other: 100 ms each.
    const [a, b] = [speed.sent(1e9, 1000), speed.sent(1e9, 1000)];
    speed.done(a, 1100);
    speed.done(b, 1200);
    expect(speed.workIn(1)).toBeCloseTo(1e7, -2);
    // One that nobody waits for, a pause, and another: the pause is no work.
    speed.sent(1e6, 2000);
    run(speed, 1e9, 60_000, 100);
    expect(speed.workIn(1)).toBeCloseTo(1e7, -2);
    // Many that nobody waits for and one behind them: the last did not take all the time.
    for (let i = 0; i < 9; i++) speed.sent(1e9, 70_000);
    run(speed, 1e9, 70_000, 1000);
    expect(speed.workIn(1)).toBeCloseTo(1e7, -2);
    // An earlier one told of later says nothing.
    speed.done(a, 90_000);
    expect(speed.workIn(1)).toBeCloseTo(1e7, -2);
  });
});
