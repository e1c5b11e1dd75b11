// Text without entity values, from which nano's tokenizer learns its merges: values must stay
// spelled in single letters and digits, so that they are copied alike from request, result and
// argument. Knows no tokenizer.
import { deriveSeed, Rng } from '../base/rng.ts';
import { toolSignature } from '../tools/signature.ts';
import type { ServerSpec, ToolSpec } from '../trajectory/tool.ts';
import { FAMILIES } from './families/index.ts';
import { expand, withoutSlots } from './phrasing.ts';
import { PRIMER_KEYS } from './primer.ts';
import { PLACES } from './servers/inventory.ts';
import { LEVELS } from './servers/tickets.ts';
import { MEASURES, MONEY } from './servers/units.ts';
import { lowerFirst } from './task-parts.ts';
import { serverSpecs } from './toolspaces.ts';

const RESULT_KEYS = [
  'id',
  'date',
  'time',
  'ids',
  'guests',
  'cancelled',
  'place',
  'count',
  'price',
  'cost',
  'value',
  'rate',
  'result',
  'days',
  'status',
  'owner',
  'level',
];
const CONSTANTS = [...PLACES, ...LEVELS, ...MEASURES, ...MONEY, 'open', 'waiting', 'closed'];
const ROLES = ['system', 'user', 'assistant'];

/**
 * Documents of tool names, signatures, scaffolds and wordings with empty slots, repeated about as
 * often as they occur.
 */
export function tokenizerCorpus(): string[] {
  const servers = serverSpecs('core');
  const tools = servers.flatMap((server) => server.tools);
  const kinds = [
    systemTexts(servers),
    ...Array<string[]>(12).fill(tools.flatMap((tool) => teacherTurns(tool))),
    ...Array<string[]>(4).fill(servers.flatMap(loads)),
    ...Array<string[]>(6).fill(results()),
    ...Array<string[]>(6).fill(errors()),
    wordings(),
    ...Array<string[]>(4).fill(drills()),
    ...Array<string[]>(12).fill([...ROLES, ...CONSTANTS]),
  ];
  return kinds.flat();
}

function systemTexts(servers: readonly ServerSpec[]): string[] {
  return Array.from({ length: 40 }, (_, i) => {
    const rng = new Rng(deriveSeed('corpus', i));
    return rng
      .shuffle(servers)
      .map(
        (server) =>
          `${server.name}: ${rng.shuffle(server.tools.map((tool) => tool.name)).join(' ')}`,
      )
      .join('\n');
  }).concat(
    servers.map((server) => `servers: ${server.name}`),
    servers.flatMap((server) =>
      server.tools.flatMap((tool) => Array<string>(8).fill(toolSignature(tool))),
    ),
  );
}

function teacherTurns(tool: ToolSpec): string[] {
  const keys = Object.keys(tool.inputSchema['properties'] ?? {});
  const args = keys.map((key) => `"${key}":""`).join(',');
  return [
    `plan ${tool.name} ${tool.name}`,
    `next ${tool.name}`,
    `{"name":"${tool.name}","arguments":{${args}}}`,
    ...keys.map((key) => `{"name":"${tool.name}","arguments":{"${key}":`),
  ];
}

function loads(server: ServerSpec): string[] {
  return server.tools.flatMap((tool, i) => {
    const other = server.tools[(i + 1) % server.tools.length]?.name ?? tool.name;
    const call = {
      name: 'get_selected_tools',
      arguments: { server: server.name, tools: [tool.name, other] },
    };
    const fetch = { name: 'fetch_tools', arguments: { server: server.name } };
    return [
      `load ${server.name}`,
      JSON.stringify(call),
      JSON.stringify(fetch),
      toolSignature(tool),
    ];
  });
}

function results(): string[] {
  return RESULT_KEYS.flatMap((key) => [
    `{"${key}":""}`,
    `{"${key}":`,
    `","${key}":"`,
    `","${key}":`,
  ])
    .concat([
      '{"id":"I-',
      '{"id":"E-',
      '{"id":"T-',
      '{"ids":["',
      '","',
      '"]}',
      '"}',
      '}',
      '"}}',
      '}}',
    ])
    .concat(
      CONSTANTS.map((value) => `"${value}"`),
      ['"status":"open"', '"status":"waiting"'],
    );
}

function errors(): string[] {
  const mended = ["not found: '", "', did you mean '", "'?", "use '"];
  return [
    ...mended,
    'busy, try again',
    'busy again',
    'busy again',
    'done',
    'done',
    'load it first: ',
  ];
}

function wordings(): string[] {
  return FAMILIES.flatMap((family) => family.phrasings.train)
    .flatMap(expand)
    .map(withoutSlots)
    .flatMap((text) => [text, lowerFirst(text)])
    .concat(
      Array<string[]>(60)
        .fill(['Then ', 'Also ', 'After that, ', 'Next, ', 'And ', 'item ', 'event ', 'ticket '])
        .flat(),
      Array<string[]>(60).fill(["'", "'.", "'?", "',", " '", '. ', '? ']).flat(),
    );
}

function drills(): string[] {
  return PRIMER_KEYS.flatMap((key) => [`${key} '', `, `"${key}":"`, `","${key}":"`]);
}
