// A file over HTTP, whole, with progress.
import { errorMessage, ModelFileError } from '../base/errors.ts';

/** @throws {ModelFileError} when the server does not answer with the file. */
export async function fetchBytes(
  url: string,
  progress: (loadedBytes: number, totalBytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new ModelFileError(
      'model-fetch',
      `${url}: ${errorMessage(cause)}; is the server there?`,
      {
        cause,
      },
    );
  });
  // A server that answers a missing file with its start page would give HTML.
  const html = response.headers.get('content-type')?.includes('text/html') ?? false;
  if (!response.ok || response.body === null || html) {
    const got = html ? 'a web page' : `HTTP ${response.status}`;
    throw new ModelFileError(
      'model-fetch',
      `${url}: got ${got}, need a GGUF file; check the address`,
    );
  }
  const total = Number(response.headers.get('content-length') ?? 0);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    pieces.push(new Uint8Array(part.value));
    loaded += part.value.byteLength;
    progress(loaded, total);
  }
  // The length of a packed body is not the file's.
  const packed = response.headers.has('content-encoding');
  if (response.status !== 200 || (!packed && total > 0 && loaded !== total)) {
    throw new ModelFileError(
      'model-fetch',
      `${url}: got ${loaded} bytes with status ${response.status}, need ${total} with 200; try again`,
    );
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
