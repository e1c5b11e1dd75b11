// The golden model files inside a page, also with a vocabulary in which ids can be spelled.
// Must not know an engine.
import {
  ADAPTER_CONFIG,
  ADAPTER_TENSORS,
  type Adapter,
  readAdapter,
} from '../../src/adapter/adapter.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { joinBytes, readGguf, writeGguf } from '../../src/weights/gguf.ts';
import { i32sEntry, stringsEntry } from '../../src/weights/gguf-values.ts';

export interface GoldenLogits {
  readonly ids: readonly number[];
  readonly with_adapter: boolean;
  /** (V) logits of the last position. */
  readonly last: readonly number[];
}

const USER_DEFINED = 4;

async function fetchGolden(name: string): Promise<Response> {
  const response = await fetch(`/test/golden/data/${name}`);
  // The server answers an unknown path with its page.
  const found = response.ok && !response.headers.get('content-type')?.startsWith('text/html');
  if (!found) throw new Error(`no golden file ${name}`);
  return response;
}

/** A golden model and its logits. */
export async function goldenFile(
  name: string,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; cases: GoldenLogits[] }> {
  const model = await fetchGolden(`${name}.gguf`);
  const golden = await (await fetchGolden(`${name}.json`)).json();
  return { bytes: new Uint8Array(await model.arrayBuffer()), cases: golden.logits };
}

/** The adapter that belongs to a golden model. */
export async function goldenPageAdapter(name: string): Promise<Adapter> {
  const files: Record<string, Uint8Array> = {};
  for (const file of [ADAPTER_CONFIG, ADAPTER_TENSORS]) {
    const response = await fetchGolden(`${name}.adapter/${file}`);
    files[file] = new Uint8Array(await response.arrayBuffer());
  }
  return readAdapter(files);
}

/** A text whose tokens in a file of {@link nameTokens} are exactly these. */
export function spellIds(ids: readonly number[]): string {
  return ids.map((id) => `<|${id}|>`).join('');
}

/** The same model, its tokens named by their ids and never joined by a merge. */
export async function nameTokens(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const file = await readGguf(bytesSource(bytes));
  const V = file.tensor('token_embd.weight').shape[0] ?? 0;
  const ids = Array.from({ length: V }, (_, id) => id);
  const metadata = new Map(file.metadata);
  metadata.set('tokenizer.ggml.tokens', stringsEntry(ids.map((id) => `<|${id}|>`)));
  metadata.set('tokenizer.ggml.token_type', i32sEntry(ids.map(() => USER_DEFINED)));
  metadata.set('tokenizer.ggml.merges', stringsEntry([]));
  const tensors = file.tensors.map(async ({ name, shape, type }) => ({
    name,
    shape,
    type,
    bytes: await file.readTensor(name),
  }));
  return joinBytes(writeGguf({ metadata, tensors: await Promise.all(tensors) }));
}
