// The models that the browser keeps: adds them from servers and local files, lists and removes them. Must not know
// what a model computes.
import { AtlasError, InputError, ModelFileError, StoreError } from '../base/errors.ts';
import { type ByteSource, blobSource, pieces } from '../weights/byte-source.ts';
import { modelConfig } from '../weights/model-config.ts';
import type { Quantise } from '../weights/quantised-tensor.ts';
import { type DirectoryHandle, findFolder, removeFrom } from './directory.ts';
import { downloadedBytes, downloadFile, forgetParts } from './download.ts';
import { hashFiles } from './file-hashes.ts';
import type { Net } from './http.ts';
import {
  checkModelFile,
  DEFAULT_QUANTISE,
  hashedBytes,
  isFolder,
  openModelFiles,
} from './model-files.ts';
import { type ModelOffer, modelName } from './model-offers.ts';
import {
  type ModelRecord,
  modelsFolder,
  readRecord,
  recordSources,
  writeRecord,
} from './model-record.ts';
import { type ModelProgress, ProgressMeter } from './progress.ts';
import { openRandomFile } from './random-file.ts';

/** A model in the list. */
export interface ModelListing {
  name: string;
  /** `unfinished`: parts of it have come; `damaged`: nothing is known of it, it can only be deleted. */
  state: 'ready' | 'unfinished' | 'damaged';
  /** Address, `owner/name/file.gguf` or file name. */
  source: string;
  /** Whether a download can go on. */
  fromServer: boolean;
  /** Bytes that are here. */
  doneBytes: number;
  /** Null when it is not known. */
  sizeBytes: number | null;
  /** SHA-256 of its files in order; null until they are whole. */
  hash: string | null;
  /** Milliseconds since 1970; 0 for a damaged one. */
  addedAt: number;
}

export interface ModelStoreOptions {
  /** The root of OPFS. */
  root: DirectoryHandle;
  net: Net;
  /** Names that stored models must not take. */
  reserved?: readonly string[];
  partBytes?: number;
}

export interface AddOptions {
  signal: AbortSignal;
  onProgress: (progress: ModelProgress) => void;
}

const COPY_BYTES = 4 * 1024 * 1024;

export class ModelStore {
  readonly #options: ModelStoreOptions;
  readonly #busy = new Map<string, { controller: AbortController; done: Promise<unknown> }>();

  constructor(options: ModelStoreOptions) {
    this.#options = options;
  }

  /** All models, newest first. */
  async list(): Promise<ModelListing[]> {
    const folder = await modelsFolder(this.#options.root, { create: false });
    if (folder === null) return [];
    const listings: ModelListing[] = [];
    for await (const name of folder.keys()) listings.push(await this.#listing(folder, name));
    return listings.sort((a, b) => b.addedAt - a.addedAt || (a.name < b.name ? -1 : 1));
  }

  async #listing(models: DirectoryHandle, name: string): Promise<ModelListing> {
    const folder = await models.getDirectoryHandle(name);
    const record = await readRecord(folder);
    if (record === null) {
      const unknown = { source: '', fromServer: false, doneBytes: 0, sizeBytes: null, hash: null };
      return { name, state: 'damaged', addedAt: 0, ...unknown };
    }
    const { origin, complete, addedAt } = record;
    const shared = { name, source: origin.text, fromServer: origin.kind === 'url', addedAt };
    if (complete !== null) {
      const { sizeBytes, hash } = complete;
      return { ...shared, state: 'ready', doneBytes: sizeBytes, sizeBytes, hash };
    }
    const doneBytes = await arrivedBytes(folder, record);
    const sizeBytes = knownSize(record);
    return { ...shared, state: 'unfinished', doneBytes, sizeBytes, hash: null };
  }

  /**
   * Downloads a model, or goes on with its download. @param addedAt milliseconds since 1970.
   * @throws {ModelFileError} for what cannot be had or used, StoreError for a full storage, the signal's reason when it
   * was cancelled: what has come is kept, and `add` or `resume` goes on from there.
   */
  async add(offer: ModelOffer, addedAt: number, options: AddOptions): Promise<ModelListing> {
    const models = await this.#models();
    for (const known of await this.list()) {
      const record = await readRecord(await models.getDirectoryHandle(known.name));
      if (record === null || !sameFiles(record, offer)) continue;
      if (record.complete === null) return this.resume(known.name, options);
      throw new InputError('model-there', `model ${known.name}: it is in the store already`);
    }
    const name = await this.#freeName(offer.name);
    const folder = await models.getDirectoryHandle(name, { create: true });
    const record: ModelRecord = {
      v: 1,
      name,
      origin: { kind: 'url', text: offer.source },
      files: offer.files,
      ...(offer.quantise === undefined ? {} : { quantise: offer.quantise }),
      complete: null,
      addedAt,
    };
    await this.#guarded(name, () => writeRecord(folder, record));
    return this.#download(folder, record, options);
  }

  /** Goes on with a download. @throws as `add`. */
  async resume(name: string, options: AddOptions): Promise<ModelListing> {
    const folder = await findFolder(await this.#models(), [name]);
    const record = folder === null ? null : await readRecord(folder);
    if (
      folder !== null &&
      record !== null &&
      record.origin.kind === 'url' &&
      record.complete === null
    ) {
      return this.#download(folder, record, options);
    }
    throw new InputError('no-download', `model ${name}: it has no download to go on with`);
  }

  #download(
    folder: DirectoryHandle,
    record: ModelRecord,
    options: AddOptions,
  ): Promise<ModelListing> {
    const { name } = record;
    return this.#alone(name, options, async (signal) => {
      try {
        const check = (source: ByteSource) => checkModelFile(source, record.files.length);
        const meter = this.#meter(options);
        await this.#fetchFiles(folder, record, { signal, meter, check });
        return await this.#finish(folder, record, { signal, meter });
      } catch (error) {
        if (error instanceof StoreError && error.code === 'file-busy') throw error;
        // Kept only if it is worth going on with.
        const worthless = isOfContent(error) || (await arrivedBytes(folder, record)) === 0;
        if (worthless) await removeFrom(await this.#models(), name);
        throw error;
      }
    });
  }

  async #fetchFiles(
    folder: DirectoryHandle,
    record: ModelRecord,
    how: {
      signal: AbortSignal;
      meter: ProgressMeter;
      check: (source: ByteSource) => Promise<void>;
    },
  ): Promise<void> {
    const { name, files } = record;
    const { net, partBytes } = this.#options;
    const { signal, meter, check } = how;
    let before = 0;
    for (const { url, ...file } of files) {
      if (url === null) throw new InputError('no-download', `model ${name}: it came from a file`);
      const onBytes = (done: number, total: number | null): void => {
        const totalBytes = files.length === 1 ? total : knownSize(record);
        meter.update({ name, phase: 'download', doneBytes: before + done, totalBytes });
      };
      const parts = partBytes === undefined ? {} : { partBytes };
      const options = { net, signal, onBytes, check, ...parts };
      before += await downloadFile(folder, { ...file, url }, options);
    }
  }

  /** Checks files that are whole, and puts the model into the list. */
  async #finish(
    folder: DirectoryHandle,
    record: ModelRecord,
    { signal, meter }: { signal: AbortSignal; meter: ProgressMeter },
  ): Promise<ModelListing> {
    const { name } = record;
    const sources = await recordSources(folder, record);
    const sizeBytes = sources.reduce((sum, { size }) => sum + size, 0);
    const hashes = await hashFiles(folder, await hashedBytes(sources, record.quantise), {
      signal,
      onBytes: (doneBytes) =>
        meter.update({ name, phase: 'check', doneBytes, totalBytes: sizeBytes }),
    });
    for (const { name: file, sha256 } of record.files) {
      const got = hashes.each.get(file);
      if (sha256 === null || sha256 === got) continue;
      throw new ModelFileError(
        'download-hash',
        `${file}: got bytes with the hash ${got?.slice(0, 12)}, need ` +
          `${sha256.slice(0, 12)}; it changed or broke on its way, add it again`,
        { data: { got, needed: sha256 } },
      );
    }
    modelConfig(await openModelFiles(sources, record));
    const complete = { sizeBytes, hash: hashes.whole };
    await this.#guarded(name, () => writeRecord(folder, { ...record, complete }));
    for (const file of record.files) await forgetParts(folder, file.name);
    return this.#listing(await this.#models(), name);
  }

  /**
   * Copies a local model piece by piece: one file, all its shards, or the files of a folder with safetensors, which become
   * what `quantise` says as they are read. Headers are checked before the first copy.
   * @param addedAt milliseconds since 1970.
   * @throws {ModelFileError} for files that are no usable model, StoreError for a full storage.
   */
  async importFiles(
    files: readonly File[],
    addedAt: number,
    { quantise, ...options }: AddOptions & { quantise?: Quantise | undefined },
  ): Promise<ModelListing> {
    const sources = files.map((file) => blobSource(file, file.name));
    const [first] = files;
    if (first === undefined) throw new InputError('no-file', 'model: got no file; choose one');
    const folderChosen = isFolder(files.map((file) => file.name));
    const stem = folderChosen ? `model-${quantise ?? DEFAULT_QUANTISE}` : modelName(first.name);
    modelConfig(await openModelFiles(sources, { name: stem, quantise }));
    const name = await this.#freeName(stem);
    const folder = await (await this.#models()).getDirectoryHandle(name, { create: true });
    const record: ModelRecord = {
      v: 1,
      name,
      origin: { kind: 'file', text: first.name },
      files: [...files]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map((file) => ({ name: file.name, url: null, sizeBytes: file.size, sha256: null })),
      ...(folderChosen && quantise !== undefined ? { quantise } : {}),
      complete: null,
      addedAt,
    };
    return this.#alone(name, options, async (signal) => {
      try {
        await writeRecord(folder, record);
        const meter = this.#meter(options);
        await this.#copy(folder, name, { sources, signal, meter });
        return await this.#finish(folder, record, { signal, meter });
      } catch (error) {
        await removeFrom(await this.#models(), name);
        throw error;
      }
    });
  }

  async #copy(
    folder: DirectoryHandle,
    name: string,
    how: { sources: readonly ByteSource[]; signal: AbortSignal; meter: ProgressMeter },
  ): Promise<void> {
    const { sources, signal, meter } = how;
    const totalBytes = sources.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    for (const source of sources) {
      const handle = await folder.getFileHandle(source.name, { create: true });
      const file = await openRandomFile(handle, source.name);
      try {
        let offset = 0;
        for await (const bytes of pieces(source, COPY_BYTES, signal)) {
          await file.write(offset, bytes);
          offset += bytes.length;
          done += bytes.length;
          meter.update({ name, phase: 'copy', doneBytes: done, totalBytes });
        }
        await file.flush();
      } finally {
        await file.close();
      }
    }
  }

  /** Ends what is under way for a model; what has come of a download is kept. */
  async cancel(name: string): Promise<void> {
    const busy = this.#busy.get(name);
    if (busy === undefined) return;
    busy.controller.abort(new InputError('cancelled', `model ${name}: cancelled`));
    // Its failure is told to whoever began it.
    await busy.done.catch(() => undefined);
  }

  /** Deletes a model, or what has come of one. */
  async remove(name: string): Promise<void> {
    await this.cancel(name);
    try {
      await removeFrom(await this.#models(), name);
    } catch (cause) {
      if (!(cause instanceof Error) || cause.name !== 'NoModificationAllowedError') throw cause;
      throw new StoreError(
        'model-busy',
        `model ${name}: another tab of this page works with it; close that tab first`,
        { cause },
      );
    }
  }

  async #models(): Promise<DirectoryHandle> {
    const folder = await modelsFolder(this.#options.root, { create: true });
    if (folder !== null) return folder;
    throw new StoreError('no-storage', 'store: the browser gives the page no storage for models');
  }

  #meter(options: AddOptions): ProgressMeter {
    return new ProgressMeter(this.#options.net.now, options.onProgress);
  }

  async #freeName(stem: string): Promise<string> {
    const taken = new Set([...(this.#options.reserved ?? []), ...this.#busy.keys()]);
    for (const { name } of await this.list()) taken.add(name);
    let name = stem;
    for (let n = 2; taken.has(name); n++) name = `${stem}-${n}`;
    return name;
  }

  /** One piece of work for a model at a time, which `cancel` ends. */
  async #alone<T>(
    name: string,
    { signal }: AddOptions,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#busy.has(name)) {
      throw new InputError('model-busy', `model ${name}: it is on its way already`);
    }
    const controller = new AbortController();
    const both = AbortSignal.any([signal, controller.signal]);
    const done = this.#guarded(name, () => work(both));
    this.#busy.set(name, { controller, done });
    try {
      return await done;
    } finally {
      this.#busy.delete(name);
    }
  }

  /** A full storage becomes an error that names what to delete. */
  async #guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof AtlasError) throw cause;
      if (!(cause instanceof Error) || cause.name !== 'QuotaExceededError') throw cause;
      const others = (await this.list()).filter((model) => model.name !== name);
      const [largest] = others.sort((a, b) => b.doneBytes - a.doneBytes);
      const what =
        largest === undefined
          ? 'runs on the Kept page, or files elsewhere on this disk'
          : `the model ${largest.name} (${Math.round(largest.doneBytes / 1e6)} MB), or runs on ` +
            'the Kept page';
      throw new StoreError(
        'quota-exceeded',
        `model ${name}: the browser's storage is full; delete ${what}, then go on`,
        { cause },
      );
    }
  }
}

function sameFiles(record: ModelRecord, offer: ModelOffer): boolean {
  return (
    record.files.length === offer.files.length &&
    record.quantise === offer.quantise &&
    record.files.every(({ url, sha256 }, i) => {
      const other = offer.files[i];
      return url === other?.url && sha256 === other.sha256;
    })
  );
}

async function arrivedBytes(folder: DirectoryHandle, { files }: ModelRecord): Promise<number> {
  let bytes = 0;
  for (const { name } of files) bytes += await downloadedBytes(folder, name);
  return bytes;
}

function knownSize({ files }: ModelRecord): number | null {
  let bytes = 0;
  for (const { sizeBytes } of files) {
    if (sizeBytes === null) return null;
    bytes += sizeBytes;
  }
  return bytes;
}

/** What came is not what was asked for, or no model that can be used: more of it would not help. */
function isOfContent(error: unknown): boolean {
  if (!(error instanceof ModelFileError)) return false;
  return !error.code.startsWith('download-') || error.code === 'download-hash';
}
