// Caches of pipelines, bind-group layouts, parameter slots and bind groups. Everything is made once per distinct use.
import { DeviceError } from '../base/errors.ts';
import type { Caps } from './caps.ts';
import { type Condition, linkShader, type ShaderVariant } from './shaders.ts';
import { type GpuTensor, sizeOf } from './tensor.ts';

/**
 * One shader file as the host sees it. Binding 0 is `params` (a uniform struct of 4-byte scalars in this order), then
 * `reads`, then `writes`. A name with a condition (`'w_scale?scaled'`) is bound only in variants that have it on,
 * `'w_scale?!scaled'` only in those that have not, `'g?norm&!int8'` where both hold.
 */
export interface KernelSpec {
  /** Path below shaders/ without ending; the entry point is its last part. */
  readonly file: string;
  readonly params: Readonly<Record<string, 'u32' | 'f32'>>;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/** Values for the parameters of a kernel. */
export type ParamValues<P extends KernelSpec> = Readonly<Record<keyof P['params'], number>>;

/** Declares a kernel; only there to infer the types. */
export function kernel<const P extends KernelSpec>(spec: P): P {
  return spec;
}

export interface BindingAccess {
  readonly name: string;
  readonly writable: boolean;
}

interface CachedPipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: readonly BindingAccess[];
}

const SLOT_BYTES = 256;
const SLOTS = 16384;
/**
 * Bind groups kept at once. A driver may give each a memory mapping of its own: lavapipe crashed the process at about
 * 65,000, the system's limit on mappings.
 */
const MAX_GROUPS = 4096;

export class PipelineCache {
  caps: Caps;
  /** Bind groups made so far; a steady state makes none. */
  bindGroupsCreated = 0;
  readonly #device: GPUDevice;
  readonly #fail: (error: DeviceError) => void;
  readonly #pipelines = new Map<string, CachedPipeline>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #bufferIds = new WeakMap<GPUBuffer, number>();
  #bufferCount = 0;
  #groups = new Map<string, GPUBindGroup>();
  #slots = new Map<string, number>();
  #arena: GPUBuffer | null = null;
  #checks: Promise<void> = Promise.resolve();

  constructor(device: GPUDevice, caps: Caps, fail: (error: DeviceError) => void) {
    this.#device = device;
    this.caps = caps;
    this.#fail = fail;
  }

  /** Resolves when every pipeline made so far is known to be right or has been reported. */
  settled(): Promise<void> {
    return this.#checks;
  }

  pipeline(
    spec: KernelSpec,
    variant: ShaderVariant,
    overrides: Readonly<Record<string, number>>,
  ): CachedPipeline {
    const key = `${spec.file}|${(variant.on ?? []).join()}|${entries(variant.constants)}|${entries(overrides)}`;
    const known = this.#pipelines.get(key);
    if (known !== undefined) return known;
    const made = this.#create(spec, variant, overrides, key);
    this.#pipelines.set(key, made);
    return made;
  }

  #create(
    spec: KernelSpec,
    variant: ShaderVariant,
    overrides: Readonly<Record<string, number>>,
    label: string,
  ): CachedPipeline {
    const on = new Set<Condition>(variant.on ?? []);
    const bindings = [
      ...bound(spec.reads, on).map((name) => ({ name, writable: false })),
      ...bound(spec.writes, on).map((name) => ({ name, writable: true })),
    ];
    const layout = this.#layout(bindings.map((binding) => binding.writable));
    const device = this.#device;
    device.pushErrorScope('validation');
    const constants = { ...variant.constants, ...placesOf(spec, bindings) };
    const code = linkShader(spec.file, { ...variant, constants });
    const module = device.createShaderModule({ label, code });
    const pipeline = device.createComputePipeline({
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: {
        module,
        entryPoint: spec.file.split('/').at(-1) ?? spec.file,
        constants: { ...overrides },
      },
    });
    this.#checks = device.popErrorScope().then(
      (error) => {
        if (error === null) return;
        const text = error.message.split('\n').slice(0, 4).join(' ');
        this.#fail(new DeviceError('pipeline', `shaders/${spec.file}.wesl (${label}): ${text}`));
      },
      () => undefined, // The scope went down with the device, whose loss is reported by itself.
    );
    return { pipeline, layout, bindings };
  }

  #layout(writable: readonly boolean[]): GPUBindGroupLayout {
    const key = writable.map(Number).join('');
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const visibility = GPUShaderStage.COMPUTE;
    const made = this.#device.createBindGroupLayout({
      label: `layout ${key}`,
      entries: [
        { binding: 0, visibility, buffer: { type: 'uniform' } },
        ...writable.map((write, i) => ({
          binding: i + 1,
          visibility,
          buffer: { type: write ? ('storage' as const) : ('read-only-storage' as const) },
        })),
      ],
    });
    this.#layouts.set(key, made);
    return made;
  }

  bindGroup<P extends KernelSpec>(
    spec: P,
    layout: GPUBindGroupLayout,
    params: ParamValues<P>,
    tensors: readonly GpuTensor[],
  ): GPUBindGroup {
    const slot = this.#slot(spec, params);
    let key = `${slot}|${layout.label}`;
    for (const tensor of tensors)
      key += `|${this.#bufferId(tensor.buffer)},${tensor.offset},${sizeOf(tensor)}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const arena = this.#arena;
    if (arena === null) throw new Error('assertion failed: a slot without an arena');
    const made = this.#device.createBindGroup({
      label: spec.file,
      layout,
      entries: [
        { binding: 0, resource: { buffer: arena, offset: slot * SLOT_BYTES, size: SLOT_BYTES } },
        ...tensors.map((tensor, i) => ({
          binding: i + 1,
          resource: { buffer: tensor.buffer, offset: tensor.offset, size: bindingBytes(tensor) },
        })),
      ],
    });
    this.bindGroupsCreated += 1;
    // Plans at hand keep theirs; the rest is made again when it is needed.
    if (this.#groups.size >= MAX_GROUPS) this.#groups = new Map();
    this.#groups.set(key, made);
    return made;
  }

  /** Parameter values never change once written: a slot is shared by all calls with the same values. */
  #slot<P extends KernelSpec>(spec: P, params: ParamValues<P>): number {
    const words = new DataView(new ArrayBuffer(SLOT_BYTES));
    let at = 0;
    let key = '';
    for (const [name, type] of Object.entries(spec.params)) {
      const value = params[name as keyof P['params']];
      if (type === 'u32') words.setUint32(at, value, true);
      else words.setFloat32(at, value, true);
      key += `${words.getUint32(at, true)},`;
      at += 4;
    }
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    if (this.#arena === null || this.#slots.size === SLOTS) {
      // Bind groups and plans at hand keep the old arena alive as long as they need it.
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      this.#arena = this.#device.createBuffer({ label: 'params', size: SLOTS * SLOT_BYTES, usage });
      this.#slots = new Map();
      this.#groups = new Map();
    }
    const slot = this.#slots.size;
    this.#slots.set(key, slot);
    this.#device.queue.writeBuffer(this.#arena, slot * SLOT_BYTES, words.buffer);
    return slot;
  }

  #bufferId(buffer: GPUBuffer): number {
    const known = this.#bufferIds.get(buffer);
    if (known !== undefined) return known;
    this.#bufferCount += 1;
    this.#bufferIds.set(buffer, this.#bufferCount);
    return this.#bufferCount;
  }
}

/** Rounded up to 16 bytes, so that a shader may see the binding as an array of vec4. */
function bindingBytes(tensor: GpuTensor): number {
  const bytes = Math.max(16, Math.ceil((sizeOf(tensor) * 4) / 16) * 16);
  return Math.min(bytes, tensor.buffer.size - tensor.offset);
}

/** AT_NAME: the binding of each name; those that this variant does not have get 0, which the linker drops. */
function placesOf(
  spec: KernelSpec,
  bindings: readonly BindingAccess[],
): Readonly<Record<string, number>> {
  const names = [...spec.reads, ...spec.writes].map((entry) => entry.split('?')[0] ?? entry);
  return Object.fromEntries(
    names.map((name) => [
      `AT_${name.replace(/(?<=[a-z])[A-Z]/g, '_$&').toUpperCase()}`,
      bindings.findIndex((binding) => binding.name === name) + 1,
    ]),
  );
}

function bound(names: readonly string[], on: ReadonlySet<Condition>): string[] {
  return names.flatMap((entry) => {
    const [name = '', conditions = ''] = entry.split('?');
    const holds = (condition: string) =>
      on.has(condition.replace('!', '') as Condition) !== condition.startsWith('!');
    return conditions === '' || conditions.split('&').every(holds) ? [name] : [];
  });
}

function entries(record: Readonly<Record<string, number>> | undefined): string {
  return Object.entries(record ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join();
}
