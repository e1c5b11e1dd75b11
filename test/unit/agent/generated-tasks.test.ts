// The parts together: generated tasks, their servers, the agent, the rubric.
import { describe, expect, test } from 'vitest';
import { oracleScript } from '../../../src/agent/policies/oracle.ts';
import { randomScript } from '../../../src/agent/policies/random.ts';
import { runEpisode } from '../../../src/agent/run-episode.ts';
import { summarise } from '../../../src/agent/summary.ts';
import { scoredTrace } from '../../../src/rubric/score.ts';
import { openDirectEpisode } from '../../../src/toolspace/direct-episode.ts';
import { openEpisode } from '../../../src/toolspace/episode.ts';
import { generateTasks } from '../../../src/toolspace/tasks.ts';
import type { Task } from '../../../src/trajectory/task.ts';
import type { Mode, Trace } from '../../../src/trajectory/trace.ts';
import { LIMITS } from '../../support/shop.ts';
import { smallTokenizer } from '../../support/tokenizers.ts';

const tokenizer = smallTokenizer();
const tasks = generateTasks({ split: 'test', count: 120, seed: 9, toolspace: 'core' });
const ORACLE = oracleScript();

async function play(
  task: Task,
  mode: Mode,
  script = ORACLE,
  open = openDirectEpisode,
): Promise<Trace> {
  const { world, servers, toolspace } = task;
  const toolbox = await open({ world, servers, toolspace, episode: task.id });
  try {
    const trace = await runEpisode({
      ...{ task, mode, toolbox, limits: LIMITS, seed: 1, temperature: 0 },
      ...{ promptStyle: 'compact', schemaStyle: 'signature' },
      policy: { kind: 'scripted', policy: script, tokenizer },
    });
    return await scoredTrace(trace);
  } finally {
    await toolbox.close();
  }
}

const failures = (traces: readonly Trace[]) =>
  traces
    .filter(({ success, scores }) => success !== true || scores?.reward !== 1)
    .map(({ task, scores, calls, answer }) => ({ prompt: task.prompt, scores, calls, answer }));

describe('the oracle on generated tasks', () => {
  test.each<Mode>(['eager', 'isl', 'itl'])('%s: every task, every criterion', async (mode) => {
    const traces = await Promise.all(tasks.map((task) => play(task, mode)));
    expect(failures(traces)).toEqual([]);
    const summary = summarise(traces);
    expect([summary.count, summary.success, summary.reward]).toEqual([120, 1, 1]);
  });

  test('over real MCP the traces are the same', async () => {
    for (const task of tasks.slice(0, 6)) {
      expect(await play(task, 'itl', ORACLE, openEpisode)).toEqual(await play(task, 'itl'));
    }
  });
});

test('acting at random solves next to nothing', async () => {
  const traces = await Promise.all(tasks.map((task) => play(task, 'itl', randomScript())));
  expect(summarise(traces).success).toBeLessThan(0.02);
  // What was asked first (criterion 0), and the exact arguments of all needed calls (criterion 10).
  for (const index of [0, 10]) {
    const passed = traces.filter(({ scores }) => scores?.criteria[index] === 1);
    expect(passed.length / traces.length).toBeLessThan(0.02);
  }
});
