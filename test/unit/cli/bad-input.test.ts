// Bad input ends with exit code 2, nothing on stdout and one line on stderr that says what is wrong.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAtlas, runHere } from '../../support/command-line.ts';

const golden = (name: string) =>
  fileURLToPath(new URL(`../../golden/data/${name}`, import.meta.url));
const MODEL = golden('f32.gguf');
const HASH = '0'.repeat(64);
let folder = '';
const at = (name: string) => join(folder, name);

/** A copy of a model in which `from`, the n-th byte string of its kind, is overwritten. */
function patched(bytes: Buffer, from: string, to: string, after = 0): Buffer {
  const copy = Buffer.from(bytes);
  copy.write(to, copy.indexOf(from, after));
  return copy;
}

/** The model with another type number for one tensor: name, dimension count, dimensions (u64), type. */
function withType(bytes: Buffer, tensor: string, type: number): Buffer {
  const copy = Buffer.from(bytes);
  const count = copy.indexOf(tensor) + tensor.length;
  copy.writeUInt32LE(type, count + 4 + 8 * copy.readUInt32LE(count));
  return copy;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atlas-cli-'));
  const model = await readFile(MODEL);
  const experiment = {
    ...JSON.parse(
      await readFile(new URL('../../../experiments/rookie-grpo.json', import.meta.url), 'utf8'),
    ),
    model: MODEL,
  };
  delete experiment.initAdapter;
  const sft = JSON.parse(await readFile(golden('f32.sft.batch.json'), 'utf8'));
  sft.sequences[0].ids[1] = 128;
  const files: Record<string, string | Buffer> = {
    'truncated.gguf': model.subarray(0, model.length - 5000),
    'header.gguf': model.subarray(0, 700),
    'magic.gguf': patched(model, 'GGUF', 'GGML'),
    'type.gguf': withType(model, 'output_norm.weight', 99),
    'missing.gguf': patched(model, 'output_norm.weight', 'output_nurm.weight'),
    'gemma.gguf': patched(model, 'qwen3', 'gemma', model.indexOf('general.architecture')),
    'key.json': JSON.stringify({ ...experiment, learningRat: 1 }),
    'weight.json': JSON.stringify(experiment).replace('"success":1', '"success":1e999'),
    'buffer.json': JSON.stringify({
      ...experiment,
      algorithm: { ...experiment.algorithm, overlong: { limit: 9, buffer: 10 } },
    }),
    'weights.json': JSON.stringify({ ...experiment, adapter: null, initAdapter: 'adapter' }),
    'rank.json': JSON.stringify({
      ...{ ...experiment, model: golden('q8_0.gguf'), initAdapter: golden('q8_0.adapter') },
      adapter: { rank: 4, alpha: 8 },
    }),
    'hash.json': JSON.stringify({ ...experiment, modelHash: HASH }),
    'limit.json': JSON.stringify({ ...experiment, memory: { limitBytes: 1e6 } }),
    'f16.json': JSON.stringify({ ...experiment, sampling: { kv: 'f16' } }),
    'int8.json': JSON.stringify({ ...experiment, sampling: { kv: 'int8' } }),
    'half.json': '{"model":',
    'batch.json': JSON.stringify(sft),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(at(name), content);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Context of the golden models, tokens. */
const CONTEXT = 4096;
const many = (n: number) => Array.from({ length: n }, () => 1).join();
const agent = ['agent', 'oracle', '--seed', '0', '--count', '1', '--tokenizer', MODEL];

const REFUSED: readonly [what: string, argv: () => string[], message: string][] = [
  ['no command', () => [], 'got no command, need one of devices, inspect'],
  ['an unknown command', () => ['fly'], 'got the command "fly", need one of'],
  ['an unknown flag', () => ['tasks', '--fast'], "'--fast'"],
  ['no file', () => ['inspect', at('none.gguf')], 'cannot be read'],
  ['a folder', () => ['inspect', folder], 'cannot be read'],
  ['half of a file', () => ['inspect', at('truncated.gguf')], 'ends beyond the file'],
  ['half of a header', () => ['inspect', at('header.gguf')], 'the header ends inside'],
  ['another format', () => ['inspect', at('magic.gguf')], 'choose a .gguf file'],
  ['an unknown type', () => ['inspect', at('type.gguf')], 'output_norm.weight has unknown type 99'],
  [
    'another architecture',
    () => ['inspect', at('gemma.gguf')],
    'architecture gemma, need one of qwen3, qwen2, llama',
  ],
  [
    'a missing tensor',
    () => ['logits', at('missing.gguf'), '--ids', '1'],
    'no tensor output_norm.weight',
  ],
  [
    'an adapter of another model',
    () => ['logits', MODEL, '--ids', '1', '--adapter', golden('q8_0.adapter')],
    'is this adapter for another model?',
  ],
  ['an id out of range', () => ['logits', MODEL, '--ids', '1,128'], 'ids 0 to 127'],
  [
    'a sequence that is too long',
    () => ['logits', MODEL, '--ids', many(CONTEXT + 1)],
    `got ${CONTEXT + 1} ids, the context holds ${CONTEXT}`,
  ],
  [
    'a prompt that fills the context',
    () => ['generate', MODEL, '--ids', many(CONTEXT), '--max-tokens', '1'],
    `got ${CONTEXT} ids and room for 1 more, the context holds ${CONTEXT}`,
  ],
  ['an empty prompt', () => ['generate', MODEL, '--prompt', '', '--max-tokens', '1'], 'empty'],
  [
    'two prompts',
    () => ['generate', MODEL, '--prompt', 'a', '--chat', 'b', '--max-tokens', '1'],
    'got 2 of',
  ],
  ['no length', () => ['generate', MODEL, '--prompt', 'a'], 'got no --max-tokens'],
  [
    'a share above 1',
    () => ['generate', MODEL, '--prompt', 'a', '--max-tokens', '1', '--top-p', '2'],
    '--top-p: got "2", need a number from 0 to 1',
  ],
  [
    'gradients of quantised weights',
    () => ['grads', golden('q8_0.gguf'), '--batch', golden('q8_0.sft.batch.json')],
    'token_embd.weight is Q8_0; gradients of all weights need an F32 model',
  ],
  [
    'a batch with an unknown id',
    () => ['grads', MODEL, '--batch', at('batch.json')],
    'id 128 is out of',
  ],
  ['an unknown key', () => ['train', at('key.json'), '--out', at('run')], '"learningRat"'],
  ['half of an experiment', () => ['train', at('half.json'), '--out', at('run')], 'not JSON'],
  [
    'a run that does not fit',
    () => ['train', at('limit.json'), '--out', at('run')],
    'memory.limitBytes allows 1.0 MB; choose a smaller model',
  ],
  [
    'a reward without end',
    () => ['train', at('weight.json'), '--out', at('run')],
    'reward.success: ',
  ],
  [
    'a buffer that is longer than its limit',
    () => ['train', at('buffer.json'), '--out', at('run')],
    'algorithm.overlong.buffer: need a number of tokens that is at most limit',
  ],
  [
    'an adapter to start from beside all weights',
    () => ['train', at('weights.json'), '--out', at('run')],
    'initAdapter: need none where adapter is null',
  ],
  [
    'an adapter of another rank',
    () => ['train', at('rank.json'), '--out', at('run')],
    'adapter.rank: got 4, the adapter',
  ],
  ['another model file', () => ['train', at('hash.json'), '--out', at('run')], `got ${HASH}`],
  [
    'an unknown kind of cache',
    () => ['generate', MODEL, '--prompt', 'a', '--max-tokens', '1', '--kv', 'int4'],
    '--kv: got "int4", need one of f32, f16, int8',
  ],
  [
    'training on rounded keys and values',
    () => ['train', at('hash.json'), '--out', at('run'), '--kv', 'int8'],
    'train: --kv: got int8, need f32: tokens sampled from rounded values do not have the log-probabilities',
  ],
  [
    'a cache of f16 that the experiment does not know of',
    () => ['train', at('hash.json'), '--out', at('run'), '--kv', 'f16'],
    'train: --kv: got f16, need f32: tokens sampled from rounded values',
  ],
  [
    'a cache of f32 where the experiment has f16',
    () => ['train', at('f16.json'), '--out', at('run'), '--kv', 'f32'],
    'train: --kv: got f32, need f16: tokens',
  ],
  [
    'training on a cache of int8',
    () => ['train', at('int8.json'), '--out', at('run')],
    'sampling.kv',
  ],
  [
    'training on rounded activations',
    () => ['train', at('hash.json'), '--out', at('run'), '--activations', 'int8'],
    'train: --activations: got int8, need f32',
  ],
  [
    'an unknown family of kernels',
    () => ['generate', MODEL, '--prompt', 'a', '--max-tokens', '1', '--kernels', 'npu'],
    '--kernels: got "npu", need auto, gpu or cpu',
  ],
  [
    'an unknown mode',
    () => [...agent, '--tasks', 'test', '--mode', 'code'],
    'need one of eager, isl, itl, ptc',
  ],
  [
    'a cache',
    () => [...agent, '--tasks', 'test', '--mode', 'itl', '--cache', 'c'],
    '--cache is not',
  ],
  [
    'a constraint on a script',
    () => [...agent, '--tasks', 'test', '--mode', 'itl', '--constrain'],
    'agent: --constrain: got the policy oracle',
  ],
  ['an unknown split', () => [...agent, '--mode', 'itl', '--tasks', 'exam'], 'train, test, unseen'],
  [
    'a server without a URL',
    () => [...agent, '--mode', 'itl', '--tasks', 'test', '--server', 'x=y'],
    'need NAME=URL',
  ],
  ['an unknown schema', () => ['schema', 'song'], 'need one of task, trajectory'],
  ['half of a line', () => ['score', at('half.json')], 'line 1: not JSON'],
  [
    'an unknown toolspace',
    () => ['tasks', '--split', 'train', '--count', '1', '--seed', '1', '--toolspace', 'moon'],
    'moon',
  ],
];

describe('refused with one line and exit code 2:', () => {
  it.each(REFUSED)('%s', async (_, argv, message) => {
    const { code, stdout, stderr } = await runHere(...argv());
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('a run directory with something in it', async () => {
    const experiment = at('good.json');
    const { modelHash: _, ...good } = JSON.parse(await readFile(at('hash.json'), 'utf8'));
    await writeFile(experiment, JSON.stringify(good));
    const before = await readdir(folder);
    const { code, stderr } = await runHere('train', experiment, '--out', folder);
    expect(stderr).toMatch(/^error: .*--resume.*\n$/);
    expect(code).toBe(2);
    expect(await readdir(folder)).toEqual(before);
  });

  it('from the real command, on its real streams', async () => {
    const { code, stdout, stderr } = await runAtlas(['logits', MODEL, '--ids', '1,128']);
    expect(stderr).toMatch(/^error: [^\n]+ids 0 to 127\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
