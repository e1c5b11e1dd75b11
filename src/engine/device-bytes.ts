// What a model file and its KV cache take of a device's memory, from the file's header alone.
import { assert } from '../base/assert.ts';
import { type KvType, PAGE } from '../kernels/attention-cached.ts';
import { isUsable } from '../weights/ggml-types.ts';
import type { GgufFile } from '../weights/gguf.ts';
import { type ModelConfig, requiredTensors } from '../weights/model-config.ts';
import { planeWords } from '../weights/planes.ts';
import { cacheSizeFor, kvTokenBytes } from './kv-cache.ts';
import { ropePositions } from './model.ts';

/** Bytes of a model's weights as its matrices lie on the device, and of its table of rotations. */
export function weightBytes(file: GgufFile, config: ModelConfig): number {
  const words = requiredTensors(config).map(({ name, shape }) => {
    const { type } = file.tensor(name);
    const count = shape.reduce((product, n) => product * n, 1);
    assert(isUsable(type), `${name}: usable type`);
    if (shape.length === 1 || type === 'F32') return count;
    const { w, scale } = planeWords(type, count);
    return w + scale;
  });
  const table = ropePositions(config) * config.headDim;
  return 4 * words.reduce((sum, count) => sum + count, table);
}

/** Bytes of each buffer of keys or values of the cache that an engine makes. */
export function kvBuffers(config: ModelConfig, type: KvType): number[] {
  const tokens = Math.ceil(cacheSizeFor(config).tokens / PAGE) * PAGE;
  const count = 2 * config.layers;
  const bytes = (tokens * kvTokenBytes(config, type)) / count;
  return Array.from({ length: count }, () => bytes);
}
