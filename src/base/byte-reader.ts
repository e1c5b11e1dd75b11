// A stream of bytes read through one buffer: engines collect buffers late, and a large file would leave hundreds of megabytes.

/** Reads a stream piece by piece. A piece holds until the next one is asked for. */
export class ByteReader {
  readonly #read: () => Promise<Uint8Array<ArrayBuffer> | undefined>;
  readonly #cancel: () => Promise<void>;

  /** @param pieceBytes the most that one piece holds, where the stream can be read so; else as it comes. */
  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>, pieceBytes: number) {
    const byob = byobReader(stream);
    if (byob === null) {
      const reader = stream.getReader();
      this.#cancel = () => reader.cancel();
      this.#read = async () => (await reader.read()).value;
      return;
    }
    let buffer = new ArrayBuffer(pieceBytes);
    this.#cancel = () => byob.cancel();
    this.#read = async () => {
      const { value, done } = await byob.read(new Uint8Array(buffer));
      if (value !== undefined) buffer = value.buffer;
      return done ? undefined : value;
    };
  }

  /** The next piece; undefined at the end. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#read();
  }

  /** Says that nothing more is wanted. */
  cancel(): Promise<void> {
    return this.#cancel();
  }
}

/** Null for a stream that only gives buffers of its own, as some browsers' are. */
function byobReader(stream: ReadableStream): ReadableStreamBYOBReader | null {
  try {
    return stream.getReader({ mode: 'byob' });
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
