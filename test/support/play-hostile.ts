// What is asked of the sandbox for each hostile program: it ends in time, its neighbour goes on as before, and so does its
// own notebook; nothing of the host leaves or changes.
import { expect } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { HOSTILE_DEADLINE_MS, type HostileProgram } from './hostile-programs.ts';
import { bench } from './notebook.ts';

const HOSTILE_LIMITS = { deadlineMs: HOSTILE_DEADLINE_MS, graceMs: 200 };
/** What may pass beyond the deadline. */
const LATE_MS = 250;

/** Everything of this realm that a program could have changed. */
function realm(): string {
  const prototypes = [Object, Array, Function, Promise, String, Error, Date, Map, JSON, Reflect];
  const keys = prototypes.map((one) => [
    ...Reflect.ownKeys(one),
    ...('prototype' in one ? Reflect.ownKeys(one.prototype as object) : []),
  ]);
  return JSON.stringify([keys.map((list) => list.map(String)), Object.keys(globalThis).sort()]);
}

/** Runs one program beside a notebook that must not notice. */
export async function playHostile(sandbox: Sandbox, { code, says }: HostileProgram): Promise<void> {
  const before = realm();
  const neighbour = bench(sandbox, { limits: HOSTILE_LIMITS });
  const hostile = bench(sandbox, { limits: HOSTILE_LIMITS });
  try {
    expect((await neighbour.run('const kept = 41; kept')).text).toBe('41');
    expect((await hostile.run('1')).text).toBe('1');
    const started = performance.now();
    const report = await hostile.run(code);
    const tookMs = performance.now() - started;
    expect(report.text).toMatch(says);
    expect(tookMs).toBeLessThan(HOSTILE_LIMITS.deadlineMs + LATE_MS);
    expect(report.text.length).toBeLessThan(20_000);
    expect((await neighbour.run('kept + 1')).text).toBe('42');
    const found = await neighbour.run('(await shop.find_item({ name: "red lamp" })).id');
    expect(found.text).toBe('I-42');
    expect((await hostile.run('const after = 3;')).isError).toBe(false);
    expect(realm()).toBe(before);
  } finally {
    hostile.notebook.close();
    neighbour.notebook.close();
  }
}
