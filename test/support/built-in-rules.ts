// The rules that every server of toolspace full keeps, and every kind of request to it.
import { describe, expect, test } from 'vitest';
import { deriveSeed, Rng } from '../../src/base/rng.ts';
import { evaluateCheck } from '../../src/rubric/checks.ts';
import { CARRIED, Draft, type Family, type Part, Rejected } from '../../src/toolspace/draft.ts';
import type { BuiltIn } from '../../src/toolspace/full/built-in.ts';
import { initialState, LiveServer, makeWorld, worldPool } from '../../src/toolspace/live-server.ts';
import { expand, fill } from '../../src/toolspace/phrasing.ts';
import { type ServerDef, serverSpec } from '../../src/toolspace/server.ts';
import { generateTasks } from '../../src/toolspace/tasks.ts';
import type { Pool } from '../../src/toolspace/values.ts';
import type { Json, JsonObject } from '../../src/trajectory/json.ts';
import { jsonObjectSchema, jsonSchema } from '../../src/trajectory/json.ts';
import type { CallRecord } from '../../src/trajectory/tool.ts';
import type { Trace } from '../../src/trajectory/trace.ts';

/** The checks look at the prompt of a task only. */
const TASKS = generateTasks({ toolspace: 'core', split: 'train', count: 1, seed: 1 });

/** Worlds in which each kind of request is tried, and how many of them may have nothing that fits. */
const WORLDS = 40;
const MOST_REJECTED = 6;
/** Characters of a state: an episode keeps the states of its servers. */
const MOST_STATE = 8000;
/** Calls with arguments of the right types, and of none. */
const WILD_CALLS = 40;

const worldsOf = (pool: Pool, count: number) => {
  const worlds = [];
  for (let seed = 0; worlds.length < count; seed++) {
    if (worldPool(seed) === pool) worlds.push(makeWorld(seed));
  }
  return worlds;
};

const space = (server: ServerDef) => ({ name: 'rules', servers: [server] });
const open = (server: ServerDef, world = makeWorld(1)) => {
  const live = new LiveServer(space(server), server, world);
  return live;
};

/** Every rule, as tests. `leastTools` of each server. */
export function keepsTheRules(all: readonly BuiltIn[], leastTools: number): void {
  describe.each(all.map((item) => [item.server.name, item] as const))('%s', (_, item) => {
    serverRules(item.server, leastTools);
    describe.each(item.requests.map((family) => [family.name, family] as const))(
      '%s',
      (__, family) => requestRules(item.server, family),
    );
    test('its requests use most of its tools', () => {
      const used = new Set(item.requests.flatMap(({ tools }) => tools));
      const names = item.server.tools.map(({ name }) => `${item.server.name}:${name}`);
      for (const tool of used) expect(names).toContain(tool);
      expect(used.size / names.length).toBeGreaterThanOrEqual(0.75);
    });
  });
}

function serverRules(server: ServerDef, leastTools: number): void {
  test('names, texts and schemas are whole', () => {
    expect(server.name).toMatch(/^[a-z][a-z_]+$/);
    expect(server.description).toMatch(/^[A-Z].{10,120}\.$/);
    expect(server.tools.length).toBeGreaterThanOrEqual(leastTools);
    expect(new Set(server.tools.map(({ name }) => name)).size).toBe(server.tools.length);
    for (const tool of serverSpec(server).tools) {
      expect(tool.name).toMatch(/^[a-z][a-z0-9_]+$/);
      expect(tool.description, tool.name).toMatch(/^[A-Z].{10,200}\.$/s);
      expect(tool.outputSchema, tool.name).toBeDefined();
      expect(tool.inputSchema['additionalProperties'], tool.name).toBe(false);
    }
  });

  test('states follow from the world, are small, and are JSON', () => {
    for (const world of worldsOf('train', 5)) {
      const state = initialState(server, world);
      expect(initialState(server, world)).toEqual(state);
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
      expect(JSON.stringify(state).length).toBeLessThan(MOST_STATE);
    }
  });

  test('no arguments make a tool throw, change a state in place or break its promises', () => {
    const rng = new Rng(deriveSeed('wild', server.name));
    const world = makeWorld(2);
    for (const { name, inputSchema } of serverSpec(server).tools) {
      const tool = server.tools.find((candidate) => candidate.name === name);
      if (tool === undefined) throw new Error(name);
      for (let i = 0; i < WILD_CALLS; i++) {
        const state = initialState(server, world);
        const before = JSON.stringify(state);
        const args = i === 0 ? {} : wild(inputSchema, rng, leavesOf(state));
        const outcome = tool.run(state, args as JsonObject, world.clock);
        const shown = `${name} ${JSON.stringify(args)} -> ${JSON.stringify(outcome)}`;
        expect(JSON.stringify(state), shown).toBe(before);
        if ('error' in outcome) {
          expect(outcome.error.length, shown).toBeGreaterThan(5);
          continue;
        }
        keepsPromises(tool, outcome, shown);
        if (tool.readOnly) expect(outcome.state, shown).toBeUndefined();
        if (!tool.readOnly && tool.idempotent && outcome.state !== undefined) {
          const again = tool.run(outcome.state, args as JsonObject, world.clock);
          if ('error' in again) throw new Error(`not idempotent: ${shown}`);
          expect(again.state ?? outcome.state, shown).toEqual(outcome.state);
        }
      }
    }
  });
}

function keepsPromises(
  tool: ServerDef['tools'][number],
  outcome: { value: JsonObject; state?: JsonObject },
  shown: string,
): void {
  expect(jsonSchema.safeParse(outcome.value).success, shown).toBe(true);
  const parsed = tool.output?.strict().safeParse(outcome.value);
  expect(parsed?.success, `${shown} ${parsed?.error?.message}`).toBe(true);
  if (outcome.state !== undefined) jsonObjectSchema.parse(outcome.state);
}

/** Arguments of the types of a schema: values of the state, or odd ones. */
function wild(schema: Json | undefined, rng: Rng, known: readonly Json[]): Json {
  const given =
    schema !== null && typeof schema === 'object' && !Array.isArray(schema) ? schema : {};
  const choices = given['enum'];
  if (Array.isArray(choices)) return rng.pick(choices);
  const anyOf = given['anyOf'] ?? given['oneOf'];
  if (Array.isArray(anyOf)) return wild(rng.pick(anyOf), rng, known);
  switch (given['type']) {
    case 'object': {
      const properties = given['properties'];
      const required = given['required'];
      if (properties === null || typeof properties !== 'object' || Array.isArray(properties))
        return {};
      const names = Object.keys(properties).filter(
        (name) => (Array.isArray(required) && required.includes(name)) || rng.chance(0.5),
      );
      return Object.fromEntries(names.map((name) => [name, wild(properties[name], rng, known)]));
    }
    case 'array':
      return Array.from({ length: rng.int(0, 3) }, () => wild(given['items'], rng, known));
    case 'integer':
      return rng.pick([0, 1, 2, 3, 7, 100, -1]);
    case 'number':
      return rng.pick([0, 1, 2.5, 12, 99.99, -3, 1e6]);
    case 'boolean':
      return rng.chance(0.5);
    default: {
      const texts = known.filter((value) => typeof value === 'string');
      return rng.chance(0.7) && texts.length > 0
        ? rng.pick(texts)
        : rng.pick([
            '',
            'x',
            '2026-03-14',
            '2026-02-30',
            '14:30',
            '25:99',
            "O'Neil",
            '__proto__',
            '💥',
          ]);
    }
  }
}

function leavesOf(value: Json): Json[] {
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  if (value !== null && typeof value === 'object') {
    return [...Object.keys(value), ...Object.values(value).flatMap(leavesOf)];
  }
  return [value];
}

interface Drawn {
  part: Part;
  draft: Draft;
  live: LiveServer;
  world: ReturnType<typeof makeWorld>;
}

function requestRules(server: ServerDef, family: Family): void {
  const drawn: Drawn[] = [];
  test('finds what it needs in most worlds', () => {
    let rejected = 0;
    for (const pool of ['train', 'test'] as const) {
      for (const world of worldsOf(pool, WORLDS / 2)) {
        const one = draw(server, family, world, pool);
        if (one === null) rejected += 1;
        else drawn.push(one);
      }
    }
    expect(rejected).toBeLessThanOrEqual(MOST_REJECTED);
  });

  test('calls the tools that it names, in order', () => {
    for (const { draft } of drawn) {
      const made = draft.steps.filter((step) => step.expectError !== true);
      expect(made.map((step) => `${step.server}:${step.tool}`)).toEqual(family.tools);
    }
  });

  test('says all it needs in every wording', () => {
    const known = family.phrasings.train.flatMap(expand);
    const held = family.phrasings.heldOut.flatMap(expand);
    expect(new Set(known).size).toBeGreaterThanOrEqual(6);
    expect(held.length).toBeGreaterThanOrEqual(2);
    expect(held.filter((text) => known.includes(text))).toEqual([]);
    for (const { part } of drawn.slice(0, 3)) {
      const slots = Object.keys(part.slots).sort();
      for (const text of [...known, ...held]) {
        const used = [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        expect([...new Set(used)].sort(), text).toEqual(slots);
        expect(fill(text, part.slots), text).toMatch(/^['A-Z].*[.?!]$/);
        expect(text).not.toMatch(/ {2}| [,.?!]/);
      }
    }
  });

  test('is fulfilled by its calls, and by nothing less', () => {
    for (const one of drawn) {
      const { part } = one;
      const answer = part.asked.length > 0 ? part.asked.join(', ') : 'done';
      const { check, description } = part.requirement;
      const whole = playedTrace(server, family, one, answer);
      expect(evaluateCheck(check, whole), `${description} ${JSON.stringify(check)}`).toBe(true);
      expect(evaluateCheck({ kind: 'answerGrounded' }, whole), answer).toBe(true);
      const shown = JSON.stringify(whole.calls.map(({ tool, arguments: args }) => [tool, args]));
      expect(evaluateCheck({ kind: 'grounded' }, whole), `${whole.task.prompt} ${shown}`).toBe(
        true,
      );
      const idle = { ...whole, calls: [], answer: 'done', finalState: idleState(server, one) };
      expect(evaluateCheck(check, idle), `idle: ${description}`).toBe(false);
    }
  });

  test('draws different instances', () => {
    const all = new Set(drawn.map(({ part }) => JSON.stringify([part.slots, part.asked])));
    expect(all.size).toBeGreaterThanOrEqual(drawn.length * 0.4);
  });

  const { takes, gives } = family;
  if (gives !== undefined) {
    test(`hands on ${CARRIED[gives]}`, () => {
      for (const { part } of drawn) {
        expect(part.gives).toBeDefined();
        expect(part.asked.map(String)).toContain(String(part.gives));
      }
    });
  }
  if (takes !== undefined) {
    test(`takes over ${CARRIED[takes]}`, () => {
      const values = { date: '2026-12-24', time: '16:15', number: 17, amount: 84.5, city: 'Vaduz' };
      const value = { ...values, person: 'Lomira', text: 'blue rice' }[takes];
      let taken = 0;
      for (const world of worldsOf('train', 12)) {
        const one = draw(server, family, world, 'train', { kind: takes, value });
        if (one === null) continue;
        taken += 1;
        expect(one.draft.carried).toBeNull();
        expect(Object.values(one.part.slots)).toContain(CARRIED[takes]);
        const made = JSON.stringify(one.draft.steps.map((step) => step.arguments));
        expect(made).toContain(JSON.stringify(value));
      }
      expect(taken).toBeGreaterThanOrEqual(6);
    });
  }
}

function draw(
  server: ServerDef,
  family: Family,
  world: ReturnType<typeof makeWorld>,
  pool: Pool,
  carried: Draft['carried'] = null,
): Drawn | null {
  const live = open(server, world);
  const rng = new Rng(deriveSeed('draw', family.name, world.seed));
  const draft = new Draft(rng, pool, world.clock, new Map([[server.name, live]]));
  draft.carried = carried;
  try {
    return { part: family.draw(draft), draft, live, world };
  } catch (error) {
    if (error instanceof Rejected) return null;
    throw error;
  }
}

function idleState(server: ServerDef, { world }: Drawn) {
  return { [server.name]: initialState(server, world) };
}

/** What the checks look at, as if an agent had made the draft's calls. */
function playedTrace(server: ServerDef, family: Family, drawn: Drawn, answer: string): Trace {
  const live = open(server, drawn.world);
  const calls = drawn.draft.steps.map(({ tool, arguments: args, expectError }): CallRecord => {
    const result = live.call(tool, args);
    expect(result.isError, `${tool} ${JSON.stringify(args)}: ${result.text}`).toBe(
      expectError ?? false,
    );
    const told = { ...result, tier: 'live' as const, cutCharacters: 0 };
    return { turn: 0, server: server.name, tool, arguments: args, meta: false, result: told };
  });
  const [wording = ''] = family.phrasings.train.flatMap(expand);
  const prompt = fill(wording, drawn.part.slots);
  const schemas = JSON.stringify(serverSpec(server));
  const [task] = TASKS;
  if (task === undefined) throw new Error('no task');
  return {
    ...{ v: 1, id: task.id, mode: 'eager', policy: 'oracle', seed: 0, temperature: 0 },
    task: { ...task, prompt },
    messages: [{ role: 'system', content: schemas }],
    ...{ segments: [], calls, answer, end: 'answer', error: null, contextTokens: 0 },
    finalState: { [server.name]: live.state },
    ...{ scores: null, success: null },
  };
}
