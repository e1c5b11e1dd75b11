// Models in several GGUF files, as gguf-split of llama.cpp writes them. Must not know what a key or
// a tensor means, nor how the files were found.
// Source: examples/gguf-split/gguf-split.cpp of ggml-org/llama.cpp.
import { defined } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import type { ByteSource } from './byte-source.ts';
import {
  type GgufFile,
  type GgufHeader,
  type PlacedTensor,
  presentAsGguf,
  readGgufHeader,
} from './gguf.ts';
import { shown } from './shown.ts';

/** Where a file stands among the shards of its model. */
export interface ShardName {
  /** What all shards of the model begin with. */
  readonly stem: string;
  /** From 1 on. */
  readonly number: number;
  readonly count: number;
}

const SHARD_NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s;
const KEYS = ['split.no', 'split.count', 'split.tensors.count'];

/** Reads a name such as `X-00001-of-00003.gguf`; null for any other. */
export function parseShardName(name: string): ShardName | null {
  const match = SHARD_NAME.exec(name);
  if (match === null) return null;
  return { stem: match[1] ?? '', number: Number(match[2]), count: Number(match[3]) };
}

/** The names of all shards of a model, in order. */
export function shardNames({ stem, count }: ShardName): string[] {
  const digits = (value: number): string => String(value).padStart(5, '0');
  return Array.from(
    { length: count },
    (_, i) => `${stem}-${digits(i + 1)}-of-${digits(count)}.gguf`,
  );
}

interface Shard extends GgufHeader {
  readonly source: ByteSource;
  readonly index: number;
}

interface ShardTensor extends PlacedTensor {
  readonly source: ByteSource;
}

/**
 * Opens a model that lies in several files, given in any order: the metadata of the first, the
 * tensors of all.
 * @throws {ModelFileError} naming a shard that is missing, doubled or of another model.
 */
export async function readGgufShards(sources: readonly ByteSource[]): Promise<GgufFile> {
  const shards: Shard[] = [];
  for (const source of sources) {
    const header = await readGgufHeader(source);
    shards.push({ source, ...header, index: splitNumber(source, header, 'split.no') });
  }
  shards.sort((a, b) => a.index - b.index);
  const first = shards[0];
  if (first === undefined) {
    throw new ModelFileError(
      'gguf-shard',
      'model: got no shards, need all of a model; choose them',
    );
  }
  checkShards(first, shards);
  const metadata = new Map(first.metadata);
  for (const key of KEYS) metadata.delete(key);
  return presentAsGguf({
    name: first.source.name,
    sizeBytes: sources.reduce((sum, { size }) => sum + size, 0),
    metadata,
    tensors: joinTensors(first, shards),
    read: ({ source, offset }, start, length) => source.read(offset + start, length),
  });
}

function checkShards(first: Shard, shards: readonly Shard[]): void {
  const count = splitNumber(first.source, first, 'split.count');
  const own = parseShardName(first.source.name);
  shards.forEach((shard, at) => {
    const { source, index } = shard;
    const claimed = splitNumber(source, shard, 'split.count');
    if (claimed !== count) {
      throw wrongShard(source, `split.count is ${claimed}, ${first.source.name} has ${count}`);
    }
    const named = parseShardName(source.name);
    if (named !== null && (named.number !== index + 1 || named.count !== count)) {
      throw wrongShard(source, `split.no is ${index} of ${count}, which is not what its name says`);
    }
    if (named !== null && own !== null && named.stem !== own.stem) {
      throw wrongShard(source, `it does not belong to ${first.source.name}`);
    }
    const previous = shards[at - 1];
    if (previous !== undefined && previous.index === index) {
      throw wrongShard(source, `shard ${index + 1} is there twice, as ${previous.source.name} too`);
    }
    if (index !== at) throw missingShard(first, own, at, count);
  });
  if (shards.length < count) throw missingShard(first, own, shards.length, count);
  if (shards.length > count) {
    const extra = defined(shards[count], 'extra shard');
    throw wrongShard(extra.source, `split.no is ${extra.index}, need less than ${count}`);
  }
}

function joinTensors(first: Shard, shards: readonly Shard[]): ShardTensor[] {
  const total = splitNumber(first.source, first, 'split.tensors.count');
  const tensors: ShardTensor[] = [];
  const holders = new Map<string, string>();
  for (const { source, tensors: own } of shards) {
    for (const tensor of own) {
      const other = holders.get(tensor.name);
      if (other !== undefined) {
        throw wrongShard(source, `tensor ${shown(tensor.name)} is in ${other} too`);
      }
      holders.set(tensor.name, source.name);
      tensors.push({ ...tensor, source });
    }
  }
  if (tensors.length === total) return tensors;
  throw wrongShard(
    first.source,
    `split.tensors.count is ${total}, the shards have ${tensors.length} tensors`,
  );
}

function splitNumber(source: ByteSource, { metadata }: GgufHeader, key: string): number {
  const value = metadata.get(key)?.value;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw wrongShard(source, `${key} is ${value === undefined ? 'missing' : 'not a count'}`);
}

function missingShard(
  first: Shard,
  own: ShardName | null,
  index: number,
  count: number,
): ModelFileError {
  const name = own === null ? `shard ${index + 1}` : shardNames({ ...own, count })[index];
  return new ModelFileError(
    'gguf-shard',
    `${first.source.name}: ${name} of ${count} shards is missing; add it`,
    { data: { missing: index + 1, count } },
  );
}

function wrongShard(source: ByteSource, what: string): ModelFileError {
  return new ModelFileError(
    'gguf-shard',
    `${source.name}: ${what}; choose all shards of one model, each once`,
  );
}
