// `atlas schema NAME`: the shape of what we store and exchange, as JSON Schema.
import { z } from 'zod';
import { InputError } from '../../base/errors.ts';
import { batchSchema } from '../../trajectory/batch.ts';
import { experimentSchema, metricsSchema, pretrainSchema } from '../../trajectory/experiment.ts';
import { rubricSchema } from '../../trajectory/rubric.ts';
import { taskSchema } from '../../trajectory/task.ts';
import { traceSchema } from '../../trajectory/trace.ts';
import { Flags } from '../flags.ts';
import { printJson } from '../output.ts';

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  task: taskSchema,
  trajectory: traceSchema,
  experiment: experimentSchema,
  pretrain: pretrainSchema,
  rubric: rubricSchema,
  batch: batchSchema,
  metrics: metricsSchema,
};

export async function schema(argv: readonly string[]): Promise<void> {
  const flags = new Flags('schema', argv, {});
  const name = flags.positional(0, 'name');
  const found = SCHEMAS[name];
  if (found === undefined) {
    const names = Object.keys(SCHEMAS).join(', ');
    throw new InputError('schema', `schema: got "${name}", need one of ${names}`);
  }
  printJson(z.toJSONSchema(found, { io: 'input' }));
}
