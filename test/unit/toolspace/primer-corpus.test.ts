import { expect, test } from 'vitest';
import { tokenizerCorpus } from '../../../src/toolspace/corpus.ts';
import { PRIMER_KEYS, primerDrills } from '../../../src/toolspace/primer.ts';
import { serverSpecs } from '../../../src/toolspace/toolspaces.ts';
import { poolOf, VALUE_WORDS } from '../../../src/toolspace/values.ts';

test('drills say the same in request and answer', () => {
  const drills = primerDrills(3, 2000);
  expect(drills).toEqual(primerDrills(3, 2000));
  let [quotes, reordered, long] = [0, 0, 0];
  for (const { prompt, answer } of drills) {
    const pairs = prompt.split(', ').map((pair) => {
      const cut = pair.indexOf(' ');
      return [pair.slice(0, cut), pair.slice(cut + 1).replace(/^'(.*)'$/, '$1')] as const;
    });
    const json = JSON.parse(answer) as Record<string, string | number>;
    expect(answer).toBe(JSON.stringify(json));
    const said = Object.fromEntries(
      Object.entries(json).map(([key, value]) => [key, String(value)]),
    );
    expect(said).toEqual(Object.fromEntries(pairs));
    expect(pairs.length).toBeLessThanOrEqual(5);
    for (const key of Object.keys(json)) expect(PRIMER_KEYS).toContain(key);
    for (const value of Object.values(said)) {
      if (/^[A-Z][a-z]{3,5}$/.test(value)) expect(poolOf('person', value)).toBe('train');
    }
    if (prompt.includes("'")) quotes += 1;
    if (pairs.length === 5) {
      long += 1;
      if (Object.keys(json).join() !== pairs.map(([key]) => key).join()) reordered += 1;
    }
  }
  // Half of the drills are quoted where they have a name; half of the long ones are shuffled (1/120 stay in order).
  expect(quotes / drills.length).toBeGreaterThan(0.3);
  expect(quotes / drills.length).toBeLessThan(0.5);
  expect(Math.abs(reordered / long - 0.5)).toBeLessThan(0.1);
});

test('the corpus has every tool and argument, and no value', () => {
  const words = new Set(
    tokenizerCorpus()
      .join('\n')
      .toLowerCase()
      .match(/[a-z_]+/g),
  );
  for (const server of serverSpecs('core')) {
    expect(words).toContain(server.name);
    for (const tool of server.tools) {
      expect(words).toContain(tool.name);
      for (const key of Object.keys(tool.inputSchema['properties'] ?? {}))
        expect(words).toContain(key);
    }
  }
  expect(VALUE_WORDS.length).toBeGreaterThan(200);
  expect(VALUE_WORDS.filter((word) => words.has(word))).toEqual([]);
  expect(tokenizerCorpus().filter((text) => /\d/.test(text))).toEqual([]);
});
