// An adapter's folder as one zip file. Must not know where the files lie.
import { zipSync } from 'fflate';

/** The least time that a zip can hold, so that equal files give equal bytes. */
const ZIP_EPOCH = '1980-01-01T00:00:00';

/** A zip with a folder `adapter/`; matrices do not shrink, so nothing is compressed. */
export function writeAdapterZip(
  files: Readonly<Record<string, Uint8Array>>,
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(files).map(([name, bytes]) => [`adapter/${name}`, bytes]);
  return new Uint8Array(
    zipSync(Object.fromEntries(entries), { level: 0, mtime: new Date(ZIP_EPOCH) }),
  );
}
