import { describe, expect, test } from 'vitest';
import { LiveServer, makeWorld } from '../../../src/toolspace/live-server.ts';
import { busyTool, CORE, serverOf, serverSpecs } from '../../../src/toolspace/toolspaces.ts';
import type { JsonObject } from '../../../src/trajectory/json.ts';

/** A world whose busy tool is the wanted one (null: none). */
function worldWith(busy: string | null) {
  for (let seed = 0; ; seed++) if (busyTool('core', seed) === busy) return makeWorld(seed);
}
const calm = worldWith(null);
const open = (name: string, world = calm) => new LiveServer(CORE, serverOf(CORE, name), world);

const rows = (live: LiveServer, list: string): JsonObject[] => {
  const value = live.state[list];
  return (Array.isArray(value) ? value : []) as JsonObject[];
};

describe('toolspace core', () => {
  test('has four servers with 26 tools of different names, six or seven each', () => {
    const specs = serverSpecs('core');
    expect(specs.map((server) => server.name)).toEqual([
      'calendar',
      'inventory',
      'units',
      'tickets',
    ]);
    expect(specs.map((server) => server.tools.length)).toEqual([6, 7, 6, 7]);
    expect(new Set(specs.flatMap((server) => server.tools.map((tool) => tool.name))).size).toBe(26);
    const convert = specs[2]?.tools.find((tool) => tool.name === 'convert');
    expect(convert?.inputSchema['required']).toEqual(['value', 'from', 'to']);
    expect(convert?.readOnly).toBe(true);
  });

  test('has small states', () => {
    for (const { name } of CORE.servers) {
      expect(JSON.stringify(open(name).state).length).toBeLessThan(3000);
    }
  });

  test('never changes a state in place', () => {
    const live = open('inventory');
    const before = live.state;
    const text = JSON.stringify(before);
    const [item] = rows(live, 'items');
    live.call('add_stock', { id: item?.['id'] ?? '', count: 5 });
    expect(JSON.stringify(before)).toBe(text);
    expect(rows(live, 'items')[0]?.['count']).toBe(Number(item?.['count']) + 5);
  });
});

describe('errors', () => {
  test('not found: a near name is suggested, a far one is not', () => {
    const live = open('inventory');
    const name = String(rows(live, 'items')[0]?.['name']);
    const short = name.slice(0, -1);
    expect(live.call('find_item', { name: short })).toEqual({
      text: `not found: '${short}', did you mean '${name}'?`,
      value: null,
      isError: true,
    });
    expect(live.call('find_item', { name: 'qqqqqqqq' }).text).toBe("not found: 'qqqqqqqq'");
    expect(live.call('get_price', { id: 'I-1' }).text).toBe("not found: 'I-1'");
  });

  test('busy: the first call of one tool fails, the second does not, others are not touched', () => {
    const live = open('tickets', worldWith('tickets:find_ticket'));
    const title = String(rows(live, 'tickets')[0]?.['title']);
    const owner = String(rows(live, 'tickets')[0]?.['owner']);
    expect(live.call('list_tickets', { owner }).isError).toBe(false);
    expect(live.call('find_ticket', { title })).toMatchObject({
      text: 'busy, try again',
      isError: true,
    });
    expect(live.call('find_ticket', { title }).isError).toBe(false);
  });

  test('bad arguments name the argument', () => {
    expect(open('units').call('convert', { value: 'x', from: 'km', to: 'mi' }).text).toMatch(
      /value/,
    );
    expect(open('units').call('convert', { value: 1, from: 'km', to: 'kg' }).text).toBe(
      'to: cannot convert km to kg',
    );
    const added = { title: 'a b', date: '2026-02-30', time: '14:30' };
    expect(open('calendar').call('add_event', added).text).toMatch(/^date: got '2026-02-30'/);
    expect(
      open('calendar').call('add_event', { ...added, date: '2026-03-01', time: '25:00' }).text,
    ).toMatch(/^time/);
    expect(open('calendar').call('nothing', {}).text).toBe("unknown tool: 'nothing'");
  });
});

describe('results', () => {
  test('measures', () => {
    const value = (args: JsonObject) => open('units').call('convert', args).value?.['value'];
    // 10 km / 1.609344 = 6.2137 mi; 10 kg / 0.45359237 = 22.0462 lb; 10 m / 0.3048 = 32.8084 ft.
    expect(value({ value: 10, from: 'km', to: 'mi' })).toBe(6.2);
    expect(value({ value: 10, from: 'kg', to: 'lb' })).toBe(22);
    expect(value({ value: 10, from: 'm', to: 'ft' })).toBe(32.8);
  });

  test('days', () => {
    const units = open('units');
    // 2026 is no leap year: 28 February + 3 = 3 March.
    expect(units.call('add_days', { date: '2026-02-28', days: 3 }).text).toBe(
      '{"date":"2026-03-03"}',
    );
    expect(units.call('days_between', { from: '2026-02-28', to: '2026-03-03' }).text).toBe(
      '{"days":3}',
    );
  });

  test('a cancelled event frees no id', () => {
    const live = open('calendar');
    const numbers = rows(live, 'events').map((event) => Number(String(event['id']).slice(2)));
    const last = Math.max(...numbers);
    live.call('cancel_event', { id: `E-${last}` });
    const added = live.call('add_event', { title: 'a b', date: '2026-03-01', time: '14:30' });
    expect(added.text).toBe(`{"id":"E-${last + 1}"}`);
  });
});
