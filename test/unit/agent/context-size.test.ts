// What an agent reads before its first turn, by mode, in the tokens of a real BPE (o200k).
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import { startMode } from '../../../src/agent/modes.ts';
import { schemaText } from '../../../src/agent/prompt.ts';
import { serverSpecs } from '../../../src/toolspace/toolspaces.ts';
import type { ServerSpec } from '../../../src/trajectory/tool.ts';
import type { Mode } from '../../../src/trajectory/trace.ts';
import { liveServerSpecs } from '../../support/livemcpbench.ts';

function firstPrompt(servers: readonly ServerSpec[], mode: Mode): number {
  const styles = { promptStyle: 'full', schemaStyle: 'json' } as const;
  const { system, templateTools } = startMode({ mode, servers, worldSeed: 1, ...styles });
  const text = system.map((piece) => piece.text).join('');
  return countTokens(`${text}\n${schemaText(templateTools, 'json')}`);
}

describe.each([
  // 382 tools: eager 33,713 tokens, isl 340 (1.0 %), itl 1,370 (4.1 %); 527 tools: 85,829, 493 (0.6 %), 2,483 (2.9 %).
  ['toolspace full', serverSpecs('full')],
  ['LiveMCPBench', liveServerSpecs()],
] as const)('the first prompt of %s', (_, servers) => {
  const eager = firstPrompt(servers, 'eager');

  test.each([
    ['isl', 0.02],
    ['itl', 0.08],
  ] as const)('%s takes a small share of all schemas', (mode, most) => {
    const tokens = firstPrompt(servers, mode);
    expect(eager).toBeGreaterThan(20_000);
    expect(tokens).toBeGreaterThan(100);
    expect(tokens / eager).toBeLessThanOrEqual(most);
  });
});
