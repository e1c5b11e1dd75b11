// `atlas logits`: the arg-max at every position of a sequence, and all logits of its last one.
import { InputError } from '../../base/errors.ts';
import { MAX_SAMPLES } from '../../engine/decoder.ts';
import { checkPrompt, openEngine } from '../engine.ts';
import { Flags, parseIds } from '../flags.ts';
import { DEVICE_FLAGS } from '../node-gpu.ts';
import { printJson } from '../output.ts';

export async function logits(argv: readonly string[]): Promise<void> {
  const flags = new Flags('logits', argv, { ids: 'string', adapter: 'string', ...DEVICE_FLAGS });
  const name = flags.positional(0, 'model');
  const ids = parseIds('logits', flags.required('ids'));
  const engine = await openEngine(name, flags, ({ opened }) => {
    checkPrompt('logits: --ids', ids, opened);
  });
  const { decoder } = engine;
  const sequence = decoder.cache.open('logits', ids);
  if (sequence === null || !decoder.cache.reserve(sequence, ids.length)) {
    throw new InputError('kv-cache', `logits: ${ids.length} tokens do not fit in the KV cache`);
  }
  const V = engine.opened.config.vocab;
  const argmax: number[] = [];
  let last: Float32Array = new Float32Array(0);
  for (let from = 0; from < ids.length; from += MAX_SAMPLES) {
    const part = ids.slice(from, from + MAX_SAMPLES);
    const rows = part.map((id, i) => ({ id, slot: sequence.slot, position: from + i }));
    const greedy = { seed: 0, temperature: 0, topK: 0, topP: 1 };
    const samples = part.map((_, row) => ({ row, position: from + row + 1, ...greedy }));
    const { ids: best } = await decoder.step(rows, samples, 'prefill');
    argmax.push(...best);
    last = (await decoder.readLogits(part.length)).slice((part.length - 1) * V);
  }
  printJson({ argmax, last: [...last] });
  engine.close();
}
