// `atlas score`: scores stored trajectories again; nothing is generated.
import { z } from 'zod';
import { InputError } from '../../base/errors.ts';
import { openAiJudge } from '../../remote/openai.ts';
import { scoreTrace } from '../../rubric/score.ts';
import { traceSchema } from '../../trajectory/trace.ts';
import { Flags } from '../flags.ts';
import { readJsonLines } from '../json-file.ts';
import { note, printJson } from '../output.ts';

const lineSchema = z.union([z.object({ summary: z.unknown() }), traceSchema]);

export async function score(argv: readonly string[]): Promise<void> {
  const flags = new Flags('score', argv, { judge: 'string' });
  const file = flags.positional(0, 'file of trajectories');
  const name = flags.text('judge') ?? 'check';
  if (name !== 'check' && !/^https?:\/\//.test(name)) {
    throw new InputError(
      'not-built',
      `score: a model as judge is not built yet; use check or a URL`,
    );
  }
  const judge =
    name === 'check'
      ? {}
      : {
          judge: openAiJudge({
            baseUrl: name,
            model: process.env['ATLAS_MODEL'] ?? 'default',
            apiKey: process.env['ATLAS_API_KEY'],
          }),
          onJudgeError: (error: unknown) => note(`score: ${String(error)}`),
        };
  for (const line of await readJsonLines(file, lineSchema)) {
    if ('summary' in line) continue;
    const { criteria, categories, reward } = await scoreTrace(line, judge);
    printJson({ id: line.id, criteria, categories, reward });
  }
}
