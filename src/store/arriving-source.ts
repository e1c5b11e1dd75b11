// A file that is still on its way, as a ByteSource: a read waits until its bytes have come. Must not know from where.
import { type ByteSource, checkRange } from '../weights/byte-source.ts';

export class ArrivingSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #stored: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
  readonly #signal: AbortSignal;
  #arrivedBytes = 0;
  #waiting: { end: number; go: () => void }[] = [];

  /** @param file `read` gives bytes that have come. */
  constructor(
    file: {
      name: string;
      size: number;
      read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
    },
    signal: AbortSignal,
  ) {
    this.name = file.name;
    this.size = file.size;
    this.#stored = file.read;
    this.#signal = signal;
  }

  /** The first `bytes` of the file are there. */
  arrived(bytes: number): void {
    this.#arrivedBytes = bytes;
    for (const { end, go } of this.#waiting) if (end <= bytes) go();
    this.#waiting = this.#waiting.filter(({ end }) => end > bytes);
  }

  /** @throws the signal's reason when it ends before the bytes have come. */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, offset, length);
    const end = offset + length;
    if (end > this.#arrivedBytes) {
      await new Promise<void>((go, reject) => {
        const stop = () => reject(this.#signal.reason);
        this.#signal.throwIfAborted();
        this.#signal.addEventListener('abort', stop, { once: true });
        this.#waiting.push({
          end,
          go: () => {
            this.#signal.removeEventListener('abort', stop);
            go();
          },
        });
      });
    }
    return this.#stored(offset, length);
  }
}
