import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../src/base/errors.ts';
import { openGpu } from '../../src/gpu/open-gpu.ts';
import { kernel } from '../../src/gpu/pipeline.ts';
import { linkShader, SHADER_FILES } from '../../src/gpu/shaders.ts';
import { encodeAxpy } from '../../src/kernels/optim.ts';

const open = () => openGpu(globalThis.navigator.gpu);

describe('a device', () => {
  it('reads what was written, and makes nothing new for a repeated call', async () => {
    const gpu = await open();
    const x = gpu.upload('x', [5], Float32Array.of(1, 2, 3, 4, 5));
    const y = gpu.upload('y', [5], Float32Array.of(1, 1, 1, 1, 1));
    for (let i = 0; i < 2; i++) {
      const pass = gpu.pass();
      encodeAxpy(pass, { a: 2, x, y });
      gpu.submit(pass);
    }
    expect([...(await gpu.readF32(y))]).toEqual([5, 9, 13, 17, 21]); // 1 + 2 · 2 x
    expect(gpu.pipelines.bindGroupsCreated).toBe(1);
    gpu.destroy();
  });

  it('times work with its own clock', async () => {
    const gpu = await open();
    const x = gpu.tensor('x', [2 ** 20]);
    const y = gpu.tensor('y', [2 ** 20]);
    const pass = gpu.pass();
    for (let i = 0; i < 8; i++) encodeAxpy(pass, { a: 1, x, y });
    const ms = await gpu.submitTimed(pass);
    expect(gpu.caps.timestamps).toBe(true);
    expect(ms).toBeGreaterThan(0.01);
    gpu.destroy();
  });

  it('keeps nothing of what it waited for', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (typeof collect !== 'function') throw new Error('no gc');
    const gpu = await open();
    const wait = async (): Promise<WeakRef<object>> => {
      const result = {};
      await gpu.guard(Promise.resolve(result));
      return new WeakRef(result);
    };
    const refs = await Promise.all(Array.from({ length: 8 }, wait));
    // A reference that was read stays until the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    expect(refs.filter((ref) => ref.deref() !== undefined)).toEqual([]);
    gpu.destroy();
  });

  it('rejects pending and later calls once it is closed', async () => {
    const gpu = await open();
    const x = gpu.tensor('x', [4]);
    const pending = gpu.readF32(x);
    gpu.destroy();
    await expect(pending).rejects.toThrow(DeviceError);
    await expect(gpu.idle()).rejects.toThrow('the device was closed');
    expect(() => gpu.tensor('y', [4])).toThrow('the device was closed');
    expect((await gpu.failed).code).toBe('device-closed');
  });

  it('reports a buffer that does not fit before it makes one', async () => {
    const gpu = await open();
    const most = Math.min(
      gpu.caps.limits.maxBufferSize,
      gpu.caps.limits.maxStorageBufferBindingSize,
    );
    expect(() => gpu.tensor('huge', [most / 4 + 64])).toThrow(`this adapter binds at most ${most}`);
    expect(gpu.failure).toBeNull();
    gpu.destroy();
  });

  it('an uncaptured error ends it with a message', async () => {
    const gpu = await open();
    const x = gpu.tensor('x', [4]);
    gpu.device.queue.writeBuffer(x.buffer, 4096, new Float32Array(4));
    const error = await gpu.failed;
    expect(error.code).toBe('gpu-error');
    await expect(gpu.readF32(x)).rejects.toBe(error);
    gpu.device.destroy();
  });
});

describe('shaders', () => {
  it('name the file that is missing', () => {
    expect(() => linkShader('norm/none', {})).toThrow('shaders/norm/none.wesl: no such file');
  });

  it('a kernel without a tensor for a binding is refused', async () => {
    const gpu = await open();
    const spec = kernel({
      file: 'optim/axpy',
      params: { E: 'u32', a: 'f32' },
      reads: ['x'],
      writes: ['y'],
    });
    const args = { params: { E: 1, a: 1 }, bind: {}, grid: [1] } as const;
    expect(() => gpu.pass().dispatch(spec, args)).toThrow('no tensor for x');
    gpu.destroy();
  });

  it('all link', () => {
    expect(SHADER_FILES.length).toBeGreaterThan(20);
    for (const file of SHADER_FILES) {
      // Bindings whose place depends on the variant, as the pipeline cache names them.
      const text = readFileSync(`shaders/${file}.wesl`, 'utf8');
      const names = new Set(text.match(/AT_[A-Z_]+/g));
      const places = Object.fromEntries([...names].map((name, i) => [name, i + 1]));
      const sizes = { SG_SIZE: 4, ROWS: 16, LANES: 4, HEAD_DIM: 32, UNROLL: 1, CHUNK: 256 };
      const constants = { ...sizes, ...places };
      const entry = `fn ${file.split('/').at(-1)}(`;
      expect(linkShader(file, { on: ['subgroups'], constants }), file).toContain(entry);
    }
  });
});
