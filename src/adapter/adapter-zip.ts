// An adapter's folder as one zip file. Must not know where the files lie.
import { type UnzipFileInfo, unzipSync, zipSync } from 'fflate';
import { ModelFileError } from '../base/errors.ts';
import { ADAPTER_CONFIG, ADAPTER_TENSORS } from './adapter.ts';

/** The least time that a zip can hold, so that equal files give equal bytes. */
const ZIP_EPOCH = '1980-01-01T00:00:00';
/** What a folder may unpack to; a larger adapter is opened as a folder. */
const MAX_BYTES = 2 ** 30;

/** A zip with a folder `adapter/`; matrices do not shrink, so nothing is compressed. */
export function writeAdapterZip(
  files: Readonly<Record<string, Uint8Array>>,
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(files).map(([name, bytes]) => [`adapter/${name}`, bytes]);
  return new Uint8Array(
    zipSync(Object.fromEntries(entries), { level: 0, mtime: new Date(ZIP_EPOCH) }),
  );
}

/**
 * The two files of the PEFT folder in a zip, whatever the folder is called.
 * @throws {ModelFileError} for what is no zip, has no adapter or more than one, or unpacks to more than 1 GiB.
 */
export function readAdapterZip(bytes: Uint8Array, name: string): Record<string, Uint8Array> {
  const configs: string[] = [];
  let total = 0;
  const refuse = (what: string, cause?: unknown): never => {
    throw new ModelFileError('adapter-zip', `${name}: ${what}; zip the folder of one adapter`, {
      cause,
    });
  };
  const filter = ({ name: path, originalSize }: UnzipFileInfo): boolean => {
    const file = path.split('/').at(-1) ?? '';
    if (file !== ADAPTER_CONFIG && file !== ADAPTER_TENSORS) return false;
    if (file === ADAPTER_CONFIG) configs.push(path);
    total += originalSize;
    if (total > MAX_BYTES) refuse(`got more than ${MAX_BYTES} bytes of adapters, need fewer`);
    return true;
  };
  let parts: Record<string, Uint8Array>;
  try {
    parts = unzipSync(bytes, { filter });
  } catch (cause) {
    if (cause instanceof ModelFileError) throw cause;
    return refuse('cannot be unpacked, need a whole zip file', cause);
  }
  const [config = '', second] = configs;
  if (config === '' || second !== undefined) {
    return refuse(`got ${configs.length} files ${ADAPTER_CONFIG}, need one`);
  }
  const folder = config.slice(0, -ADAPTER_CONFIG.length);
  const files: Record<string, Uint8Array> = {};
  for (const file of [ADAPTER_CONFIG, ADAPTER_TENSORS]) {
    const part = parts[folder + file];
    if (part !== undefined) files[file] = part;
  }
  return files;
}
