// Linking of the WESL modules of shaders/ into WGSL. Knows no device.
import { _linkSync as linkSync } from 'wesl';
import { DeviceError, errorMessage } from '../base/errors.ts';

/** Conditions that a shader may test with `@if`. The linker counts an unset one as false, so all are always passed. */
export const CONDITIONS = [
  'subgroups',
  'scaled',
  'w_f16',
  'w_bf16',
  'q8_0',
  'q4_0',
  'q4_k',
  'q5_k',
  'q6_k',
  'bias',
  'row_scale',
  'swiglu',
  'lora',
  'int8',
  'f16',
  'joined',
  'interleaved',
  'accumulate',
  'norm',
  'weight_grad',
  'vec4',
  'filter',
  'masked',
  'noiseless',
  'split',
  'advance',
  'entropy',
  'sequence',
] as const;
export type Condition = (typeof CONDITIONS)[number];
/** What distinguishes two builds of one shader file. */
export interface ShaderVariant {
  readonly on?: readonly Condition[];
  /**
   * Link constants (`import constants::NAME;`): register tile sizes and the subgroup size. The pipeline cache adds the
   * place of every binding, AT_ and its name.
   */
  readonly constants?: Readonly<Record<string, number>>;
}

const files = import.meta.glob<string>('/shaders/**/*.wesl', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const sources: Record<string, string> = Object.fromEntries(
  Object.entries(files).map(([path, text]) => [path.replace(/^\/shaders\//, './'), text]),
);

/** Names of all shader files, as kernels write them (`norm/rms_norm`). */
export const SHADER_FILES: readonly string[] = Object.keys(sources)
  .filter((path) => !path.startsWith('./lib/'))
  .map((path) => path.slice(2, -'.wesl'.length))
  .sort();

/**
 * WGSL of one shader file under a variant.
 * @throws {DeviceError} when the file is unknown or does not link; the message names the file.
 */
export function linkShader(file: string, variant: ShaderVariant): string {
  if (sources[`./${file}.wesl`] === undefined) {
    throw new DeviceError('shader-unknown', `shaders/${file}.wesl: no such file`);
  }
  const on = new Set<string>(variant.on ?? []);
  const conditions = Object.fromEntries(CONDITIONS.map((name) => [name, on.has(name)]));
  try {
    return linkSync({
      weslSrc: sources,
      rootModuleName: `./${file}.wesl`,
      conditions,
      constants: { ...variant.constants },
    }).dest.text;
  } catch (cause) {
    throw new DeviceError('shader-link', `shaders/${file}.wesl: ${errorMessage(cause)}`, { cause });
  }
}
