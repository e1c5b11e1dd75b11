// The tools and annotated tasks of LiveMCPBench (test/data/livemcpbench), as server specifications and steps.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { jsonObjectSchema } from '../../src/trajectory/json.ts';
import type { ServerSpec } from '../../src/trajectory/tool.ts';

const folder = resolve(import.meta.dirname, '../data/livemcpbench');
const read = (name: string): unknown => JSON.parse(readFileSync(resolve(folder, name), 'utf8'));

const serversSchema = z.array(
  z.object({
    name: z.string(),
    description: z.string(),
    tools: z.record(
      z.string(),
      z.object({
        tools: z.array(
          z.object({
            name: z.string(),
            description: z.string().nullish(),
            inputSchema: jsonObjectSchema,
          }),
        ),
      }),
    ),
  }),
);
const tasksSchema = z.array(
  z.object({
    Question: z.string(),
    'Annotator Metadata': z.object({ Steps: z.string(), Tools: z.string() }),
  }),
);

/** 70 servers with 527 tools. */
export function liveServerSpecs(): ServerSpec[] {
  return serversSchema.parse(read('tools.json')).flatMap(({ description, tools: byKey }) =>
    Object.entries(byKey).map(([name, { tools }]) => ({
      name,
      description,
      tools: tools.map((tool) => ({ ...tool, description: tool.description ?? '' })),
    })),
  );
}

/** 95 tasks: the steps that people wrote down, and the names of the tools that they took. */
export function liveTasks(): { question: string; steps: string[]; tools: string[] }[] {
  const lines = (text: string) =>
    text
      .split('\n')
      .map((line) => line.replace(/^\s*\d+[.)]\s*/, '').trim())
      .filter((line) => line !== '');
  return tasksSchema.parse(read('all_annotations.json')).map((task) => ({
    question: task.Question,
    steps: lines(task['Annotator Metadata'].Steps),
    tools: lines(task['Annotator Metadata'].Tools),
  }));
}
