// What a model file and its KV cache take of a device's memory, from the file's header alone.
import { assert } from '../base/assert.ts';
import { isUsable } from '../weights/ggml-types.ts';
import type { GgufFile } from '../weights/gguf.ts';
import { type ModelConfig, requiredTensors } from '../weights/model-config.ts';
import { planeWords } from '../weights/planes.ts';
import { type CacheSize, cacheSizeFor } from './kv-cache.ts';
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

/** Bytes of the keys and values of a cache in f32; by default the cache that an engine makes. */
export function kvBytes(config: ModelConfig, size: CacheSize = cacheSizeFor(config)): number {
  return config.layers * 2 * size.tokens * config.kvHeads * config.headDim * 4;
}
