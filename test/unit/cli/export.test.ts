// `atlas export`: what is written, from a run's directory and from adapters that stand alone.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADAPTER_CONFIG,
  ADAPTER_TENSORS,
  type Adapter,
  readAdapter,
  writeAdapter,
} from '../../../src/adapter/adapter.ts';
import { readAdapterZip, writeAdapterZip } from '../../../src/adapter/adapter-zip.ts';
import { openAdapter, readAdapterAt } from '../../../src/cli/adapters.ts';
import { openModel } from '../../../src/cli/models.ts';
import { chatExample } from '../../../src/share/chat-lines.ts';
import { traceSchema } from '../../../src/trajectory/trace.ts';
import { linesOf, runHere } from '../../support/command-line.ts';
import { goldenPath } from '../../support/golden-engine.ts';

const MODEL = goldenPath('f32.gguf');
const METRICS = [0, 1].map((step) => ({
  ...{ step, loss: 1 - step / 4, reward: 0.5, success: step / 2, entropy: 1, kl: 0, gradNorm: 1 },
  ...{ zeroSpread: 0, logprobGap: 0, tiers: {}, tokens: 3 },
}));
let folder = '';
let trajectories = '';
const at = (...names: string[]) => join(folder, ...names);

/** Runs an export that must succeed, and gives back what it printed. */
async function exported(
  ...argv: string[]
): Promise<{ path: string; bytes: Uint8Array<ArrayBuffer> }> {
  const { code, stdout, stderr } = await runHere('export', ...argv);
  expect({ code, stderr: stderr.includes('error') }).toEqual({ code: 0, stderr: false });
  const [printed, ...more] = linesOf({ code, stdout, stderr });
  expect(more).toEqual([]);
  const path = String(printed?.['path']);
  const bytes = new Uint8Array(await readFile(path));
  expect(printed).toEqual({ path, bytes: bytes.length });
  return { path, bytes };
}

async function goldenFiles(): Promise<Record<string, Uint8Array>> {
  const read = async (name: string) =>
    new Uint8Array(await readFile(goldenPath(`f32.adapter/${name}`)));
  return {
    [ADAPTER_CONFIG]: await read(ADAPTER_CONFIG),
    [ADAPTER_TENSORS]: await read(ADAPTER_TENSORS),
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atlas-export-'));
  const played = await runHere(
    ...'agent oracle --mode itl --tasks test --count 3 --seed 1'.split(' '),
  );
  expect(played.code).toBe(0);
  trajectories = played.stdout
    .split('\n')
    .slice(0, 3)
    .map((line) => `${line}\n`)
    .join('');
  await mkdir(at('run'));
  await cp(goldenPath('f32.adapter'), at('run', 'adapter'), { recursive: true });
  const rookie = JSON.parse(
    await readFile(new URL('../../../experiments/rookie-grpo.json', import.meta.url), 'utf8'),
  );
  const experiment = { ...rookie, name: 'a <run>', model: MODEL };
  await writeFile(at('run', 'experiment.json'), JSON.stringify(experiment));
  const lines = METRICS.map((line) => `${JSON.stringify(line)}\n`);
  await writeFile(at('run', 'metrics.jsonl'), lines.join(''));
  await writeFile(at('run', 'trajectories.jsonl'), trajectories);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('atlas export', () => {
  it('--to peft: a zip with the very files of the run, beside it', async () => {
    const { path, bytes } = await exported(at('run'), '--to', 'peft');
    expect(path).toBe(at('run-adapter.zip'));
    expect(readAdapterZip(bytes, 'x')).toEqual(await goldenFiles());
    expect(
      (await exported(at('run', 'adapter'), '--to', 'peft', '--out', at('b.zip'))).bytes,
    ).toEqual(bytes);
  });

  it('--to gguf and back to peft: the same matrices, and the model that they belong to', async () => {
    const golden = readAdapter(await goldenFiles());
    const { path } = await exported(at('run'), '--to', 'gguf');
    expect(path).toBe(at('run-adapter.gguf'));
    const { hash } = await openModel(MODEL);
    const owned: Adapter = { ...golden, architecture: 'qwen3', baseModelHash: hash };
    expect((await readAdapterAt(path)).adapter).toEqual(owned);
    const { bytes } = await exported(path, '--to', 'peft', '--out', at('back.zip'));
    expect(readAdapterZip(bytes, 'x')).toEqual(writeAdapter(owned, { baseModel: hash }));
    expect((await readAdapterAt(at('back.zip'))).adapter).toEqual({ ...owned, architecture: null });
  });

  it('--to peft from GGUF puts the rows of q and k in the order of Hugging Face', async () => {
    const llama = goldenPath('llama.gguf');
    const alone = ['--to', 'gguf', '--model', llama, '--out', at('llama.gguf')];
    await exported(goldenPath('llama.adapter'), ...alone);
    const back = ['--to', 'peft', '--model', llama, '--out', at('llama.zip')];
    await exported(at('llama.gguf'), ...back);
    const golden = (await readAdapterAt(goldenPath('llama.adapter'))).adapter;
    const { adapter } = await readAdapterAt(at('llama.zip'));
    expect(adapter.rows).toBe('hugging-face');
    expect(adapter.matrices.get('blk.0.attn_q')?.b).not.toEqual(
      golden.matrices.get('blk.0.attn_q')?.b,
    );
    expect((await openAdapter(at('llama.zip'), await openModel(llama))).matrices).toEqual(
      golden.matrices,
    );
  });

  it('--to gguf --merge: a model that opens, from a folder with --model too', async () => {
    const { path, bytes } = await exported(at('run'), '--to', 'gguf', '--merge');
    expect(path).toBe(at('run-merged.gguf'));
    const [base, merged] = [await openModel(MODEL), await openModel(path)];
    expect(merged.config).toEqual(base.config);
    expect(merged.hash).not.toBe(base.hash);
    const alone = ['--to', 'gguf', '--merge', '--model', MODEL, '--out', at('alone.gguf')];
    expect((await exported(goldenPath('f32.adapter'), ...alone)).bytes).toEqual(bytes);
    const small = ['--to', 'gguf', '--merge', '--type', 'Q8_0', '--out', at('small.gguf')];
    const { path: quantised } = await exported(at('run'), ...small);
    expect((await openModel(quantised)).file.tensor('token_embd.weight').type).toBe('Q8_0');
  });

  it('--to jsonl: a chat for each trajectory', async () => {
    const { path, bytes } = await exported(at('run'), '--to', 'jsonl');
    expect(path).toBe(at('run.jsonl'));
    const lines = new TextDecoder().decode(bytes).trimEnd().split('\n');
    const traces = trajectories
      .trimEnd()
      .split('\n')
      .map((line) => traceSchema.parse(JSON.parse(line)));
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      JSON.parse(JSON.stringify(traces.map(chatExample))),
    );
    expect(traces.length).toBe(3);
    for (const { messages, success } of traces.map(chatExample)) {
      expect(success).toBe(true);
      expect(messages.at(-1)?.content).not.toContain('<');
      const asked = messages.flatMap((message) => message.tool_calls ?? []).map(({ id }) => id);
      const answered = messages.flatMap((message) => message.tool_call_id ?? []);
      expect(answered).toEqual(asked);
      expect(asked.length).toBeGreaterThan(0);
    }
  });

  it('--to html: one page with metrics and trajectories, and no path of this machine', async () => {
    const { path, bytes } = await exported(at('run'), '--to', 'html');
    expect(path).toBe(at('run.html'));
    const page = new TextDecoder().decode(bytes);
    expect(page).toContain('<h1>a &lt;run&gt;</h1>');
    expect(page).toContain('<dt>Success</dt><dd>0 at step 0, 0.5 at step 1</dd>');
    expect(page).toContain('3 trajectories');
    expect(page).toContain(`<dt>Model</dt><dd>${basename(MODEL)}</dd>`);
    expect(page).not.toContain(MODEL);
  });

  it('leaves out a line that is still being written', async () => {
    await cp(at('run'), at('live'), { recursive: true });
    const [first = ''] = trajectories.split('\n');
    await writeFile(at('live', 'trajectories.jsonl'), `${first}\n${first.slice(0, 100)}`);
    const { bytes } = await exported(at('live'), '--to', 'jsonl');
    expect(new TextDecoder().decode(bytes).trimEnd().split('\n').length).toBe(1);
  });
});

describe('refused with one line and exit code 2, and nothing is written:', () => {
  beforeAll(async () => {
    await mkdir(at('empty'));
    await mkdir(at('other'));
    await writeFile(at('other', 'notes.txt'), '');
    await mkdir(at('full'));
    await writeFile(at('full', 'model.gguf'), '');
    await cp(at('run'), at('broken'), { recursive: true });
    await writeFile(at('broken', 'trajectories.jsonl'), `${trajectories}{"v":1}\n`);
    const files = await goldenFiles();
    await writeFile(at('two.zip'), twoAdapters(files));
    await writeFile(at('half.zip'), writeAdapterZip(files).subarray(0, 900));
    await cp(at('run'), at('foreign'), { recursive: true });
    const owned = { ...readAdapter(files), baseModelHash: 'ab'.repeat(32) };
    for (const [name, bytes] of Object.entries(writeAdapter(owned, { baseModel: 'x' }))) {
      await writeFile(at('foreign', 'adapter', name), bytes);
    }
  });

  const to = (target: string, ...more: string[]) => ['--to', target, ...more];
  const REFUSED: readonly [what: string, argv: () => string[], message: string][] = [
    ['no directory', () => to('peft'), 'export: got no directory of a run, need one'],
    ['no target', () => [at('run')], '--to: got nothing, need one of peft, gguf, jsonl, html'],
    ['another target', () => [at('run'), ...to('onnx')], '--to: got "onnx", need one of'],
    ['an unknown flag', () => [at('run'), ...to('peft'), '--zip'], "'--zip'"],
    ['a second directory', () => [at('run'), at('b'), ...to('peft')], 'behind the directory'],
    [
      'merging into chats',
      () => [at('run'), ...to('jsonl', '--merge')],
      '--merge: got it with --to jsonl, need --to gguf',
    ],
    [
      'a model for a page',
      () => [at('run'), ...to('html', '--model', MODEL)],
      'need --to gguf or peft',
    ],
    [
      'a GGUF adapter whose rows must turn, without its model',
      () => [at('llama.gguf'), ...to('peft')],
      'need --model MODEL',
    ],
    [
      'a type without a merge',
      () => [at('run'), ...to('gguf', '--type', 'F16')],
      '--type: got it with --to gguf, need --to gguf --merge',
    ],
    [
      'a type that is not written',
      () => [at('run'), ...to('gguf', '--merge', '--type', 'Q4_K')],
      '--type: got "Q4_K", need one of F32, F16, Q8_0, Q4_0',
    ],
    ['a directory that is not there', () => [at('none'), ...to('html')], 'cannot be read'],
    ['an adapter that is not there', () => [at('none'), ...to('peft')], 'cannot be read'],
    ['an empty directory', () => [at('empty'), ...to('html')], 'got an empty directory'],
    ['an empty directory, as an adapter', () => [at('empty'), ...to('peft')], 'an empty directory'],
    ['a directory of other things', () => [at('other'), ...to('html')], 'got no metrics.jsonl'],
    ['no trajectories', () => [at('other'), ...to('jsonl')], 'got no trajectories.jsonl'],
    ['a run without an adapter', () => [at('other'), ...to('gguf')], 'without an adapter'],
    [
      'a run of all weights',
      () => [at('full'), ...to('gguf', '--merge')],
      'its model.gguf is a GGUF file already',
    ],
    [
      'an adapter alone, without its model',
      () => [goldenPath('f32.adapter'), ...to('gguf')],
      'need --model MODEL',
    ],
    [
      'a model of other sizes',
      () => [at('run'), ...to('gguf', '--merge', '--model', goldenPath('q8_0.gguf'))],
      'is this adapter for another model?',
    ],
    [
      'another model',
      () => [at('foreign'), ...to('gguf')],
      'adapter of another model: got base_model',
    ],
    [
      'a trajectory that is none',
      () => [at('broken'), ...to('jsonl')],
      'trajectories.jsonl, line 4',
    ],
    ['a zip of two adapters', () => [at('two.zip'), ...to('peft')], 'got 2 files adapter_config'],
    ['half of a zip', () => [at('half.zip'), ...to('peft')], 'half.zip: cannot be unpacked'],
    [
      'a file of another kind',
      () => [at('run', 'metrics.jsonl'), ...to('peft')],
      'got a file that begins with "{\\"st", need a GGUF or a zip file',
    ],
    ['a model as an adapter', () => [MODEL, ...to('peft')], 'give a model as the model'],
    [
      'the run itself as the place',
      () => [at('run'), ...to('jsonl', '--out', at('run', 'trajectories.jsonl'))],
      'which is what is exported; choose one outside of it',
    ],
    [
      'the base model as the place',
      () => [at('run'), ...to('gguf', '--merge', '--out', MODEL)],
      'which is what is exported',
    ],
    [
      'a directory as the place',
      () => [at('run'), ...to('peft', '--out', at('empty'))],
      'it is a directory',
    ],
    [
      'a place that is not there',
      () => [at('run'), ...to('peft', '--out', at('no', 'a.zip'))],
      'cannot be written',
    ],
  ];

  it.each(REFUSED)('%s', async (_, argv, message) => {
    const before = await readdir(folder);
    const { code, stdout, stderr } = await runHere('export', ...argv());
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(await readdir(folder)).toEqual(before);
  });
});

/** A zip in which two folders are adapters. */
function twoAdapters(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const named = (folderName: string) =>
    Object.entries(files).map(([name, bytes]) => [`../${folderName}/${name}`, bytes]);
  return writeAdapterZip(Object.fromEntries([...named('a'), ...named('b')]));
}
