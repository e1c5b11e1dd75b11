// What a person names (an address, a Hugging Face repository) as models that can be downloaded. Must not know how.
import { z } from 'zod';
import { ModelFileError } from '../base/errors.ts';
import { parseShardName, shardNames } from '../weights/gguf-shards.ts';
import type { Quantise } from '../weights/quantised-tensor.ts';
import type { RemoteFile } from './download.ts';
import { exchange, type Net, withRetries } from './http.ts';
import { isFolder, isFolderFile } from './model-files.ts';

/** A model that a server has: one file, all shards of one, or a folder with safetensors. */
export interface ModelOffer {
  /** File name without ending and shard number. */
  name: string;
  /** For people: the address, or `owner/name/file.gguf`. */
  source: string;
  /** In the order of their bytes. */
  files: RemoteFile[];
  /** Null when only the server knows. */
  sizeBytes: number | null;
  /** What the matrices of safetensors become as they are read. */
  quantise?: Quantise;
}

export interface OfferOptions {
  net: Net;
  signal: AbortSignal;
  /** Address of the hub, without a slash at the end. */
  hub: string;
}

export const HUGGING_FACE = 'https://huggingface.co';

const REPOSITORY = /^([\w.-]+)\/([\w.-]+?)(?::([\w.-]+))?$/;
const REPOSITORY_FILE = /^([\w.-]+)\/([\w.-]+)\/(.+\.gguf)$/i;
const HUB_PREFIX = /^(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\//;
const HUB_FILE = /^([^/]+\/[^/]+)\/(?:resolve|blob|raw)\/([^/]+)\/(.+)$/;
/** At the end of a path. */
const SHARD_NUMBER = /-\d{5}-of-\d{5}\.gguf(?=$|[?#])/;
const TRIES = 3;
const MAX_SHARDS = 1000;

const treeSchema = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: z.number().nonnegative(),
    lfs: z.object({ oid: z.string(), size: z.number().nonnegative() }).optional(),
  }),
);

interface RepositoryFile {
  path: string;
  sizeBytes: number;
  sha256: string | null;
}

interface Place {
  /** `owner/name`. */
  repository: string;
  revision: string;
  /** A file of it, or null. */
  file: string | null;
  /** Such as `Q4_K_M`, or null. */
  format: string | null;
}

/**
 * The models at a place: `https://…/x.gguf`, `owner/name`, `owner/name:Q4_K_M`, `owner/name/file.gguf`, or the address
 * of such a page on the hub. An address of another server is not asked before its download.
 * @throws {ModelFileError} when there is none, naming what there is.
 */
export async function findOffers(text: string, options: OfferOptions): Promise<ModelOffer[]> {
  const place = text.trim();
  const onHub = place.startsWith(`${options.hub}/`)
    ? place.slice(options.hub.length + 1)
    : place.replace(HUB_PREFIX, '');
  const isHub = onHub !== place;
  if (!isHub && /^https?:\/\//.test(place)) return [offerOfUrl(place)];
  return offersOf(parsePlace(onHub.replace(/[?#].*$/, ''), place), options);
}

function parsePlace(text: string, whole: string): Place {
  const inFile = HUB_FILE.exec(text);
  if (inFile !== null) {
    const [, repository = '', revision = '', file = ''] = inFile;
    return { repository, revision, file: decodeURIComponent(file), format: null };
  }
  const named = REPOSITORY_FILE.exec(text);
  if (named !== null && named[3] !== undefined) {
    const repository = `${named[1]}/${named[2]}`;
    return { repository, revision: 'main', file: named[3], format: null };
  }
  const repository = REPOSITORY.exec(text.replace(/\/(?:tree\/[^/]+\/?)?$/, ''));
  if (repository !== null) {
    const [, owner, name, format = null] = repository;
    return { repository: `${owner}/${name}`, revision: 'main', file: null, format };
  }
  throw new ModelFileError(
    'model-place',
    `model: got ${whole === '' ? 'nothing' : whole}, need https://…/file.gguf, owner/name, ` +
      'owner/name:Q4_K_M or owner/name/file.gguf',
  );
}

async function offersOf(place: Place, options: OfferOptions): Promise<ModelOffer[]> {
  const { repository, file, format } = place;
  const tree = await treeOf(place, options);
  const files = tree.filter(({ path }) => /\.gguf$/i.test(path));
  if (files.length === 0) {
    const folder = tree.filter(({ path }) => isFolderFile(path));
    const names = folder.map(({ path }) => path);
    if (isFolder(names) && names.includes('config.json'))
      return folderOffers(place, folder, options);
    throw new ModelFileError(
      'model-no-gguf',
      `${repository}: got no GGUF file, and no config.json with safetensors, need one; look for a repository ` +
        'whose name ends in -GGUF',
    );
  }
  const whole = wholeModels(files);
  const wanted = whole.filter(
    (shards) =>
      shards.some(({ path }) => file === null || path === file) && fitsFormat(shards, format),
  );
  if (wanted.length === 0) {
    throw new ModelFileError(
      'model-no-file',
      `${repository}: got no ${file ?? format}, there are ` +
        `${whole.map((shards) => baseName(shards[0]?.path ?? '')).join(', ')}; name one of them`,
    );
  }
  return wanted.map((shards) => {
    const path = shards[0]?.path ?? '';
    return {
      name: modelName(path),
      source: `${repository}/${path}`,
      sizeBytes: shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      files: shards.map((shard) => remoteFile(place, shard, options)),
    };
  });
}

function remoteFile(
  { repository, revision }: Place,
  { path, sizeBytes, sha256 }: RepositoryFile,
  { hub }: OfferOptions,
): RemoteFile {
  const url = `${hub}/${repository}/resolve/${revision}/${encodePath(path)}`;
  return { name: baseName(path), url, sizeBytes, sha256 };
}

/** What safetensors of a repository may become, the most exact first. */
const FOLDER_FORMATS = ['Q8_0', 'Q4_0'] as const;

/** A repository with safetensors, once for each encoding that its matrices can be read into. */
function folderOffers(
  place: Place,
  files: readonly RepositoryFile[],
  options: OfferOptions,
): ModelOffer[] {
  const { repository, format } = place;
  const wanted = FOLDER_FORMATS.filter(
    (quantise) => format === null || format.toUpperCase() === quantise,
  );
  if (wanted.length === 0) {
    throw new ModelFileError(
      'model-no-file',
      `${repository}: got no ${format}, its safetensors can be read as ${FOLDER_FORMATS.join(' or ')}; name one of them`,
    );
  }
  return wanted.map((quantise) => ({
    name: modelName(`${baseName(repository)}-${quantise}`),
    source: `${repository}, safetensors as ${quantise}`,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    files: files.map((file) => remoteFile(place, file, options)),
    quantise,
  }));
}

/** Files by model, small models first; shards of one model in order. */
function wholeModels(files: readonly RepositoryFile[]): RepositoryFile[][] {
  const models = new Map<string, RepositoryFile[]>();
  for (const file of files) {
    const shard = parseShardName(file.path);
    const key = shard === null ? file.path : `${shard.stem} ${shard.count}`;
    models.set(key, [...(models.get(key) ?? []), file]);
  }
  for (const shards of models.values()) {
    shards.sort((a, b) => (a.path < b.path ? -1 : 1));
    const count = parseShardName(shards[0]?.path ?? '')?.count ?? 1;
    if (shards.length === count) continue;
    throw new ModelFileError(
      'model-shards',
      `${shards[0]?.path}: got ${shards.length} of its ${count} parts, need all; is the ` +
        'repository whole?',
    );
  }
  const size = (model: readonly RepositoryFile[]): number =>
    model.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [...models.values()].sort((a, b) => size(a) - size(b));
}

function fitsFormat(shards: readonly RepositoryFile[], format: string | null): boolean {
  if (format === null) return true;
  const name = modelName(shards[0]?.path ?? '').toLowerCase();
  const wanted = format.toLowerCase();
  return name === wanted || ['-', '.', '_'].some((mark) => name.endsWith(mark + wanted));
}

async function treeOf(place: Place, options: OfferOptions): Promise<RepositoryFile[]> {
  const { repository, revision } = place;
  const files: RepositoryFile[] = [];
  let next: string | null =
    `${options.hub}/api/models/${repository}/tree/${revision}?recursive=true`;
  while (next !== null) {
    const { url, page }: { url: string | null; page: unknown } = await readJson(next, options);
    const tree = treeSchema.safeParse(page);
    if (!tree.success) {
      throw new ModelFileError(
        'model-list',
        `${repository}: got a list of files that cannot be read, need the hub's; is ${next} it?`,
        { cause: tree.error },
      );
    }
    for (const { type, path, size, lfs } of tree.data) {
      if (type !== 'file') continue;
      files.push({ path, sizeBytes: lfs?.size ?? size, sha256: lfs?.oid ?? null });
    }
    next = url;
  }
  return files;
}

/** One page of a list, and the address of the next. */
async function readJson(
  url: string,
  { net, signal }: OfferOptions,
): Promise<{ url: string | null; page: unknown }> {
  const attempt = () =>
    exchange(url, {}, { net, signal }, async (response) => {
      const link = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '');
      const following = link?.[1] === undefined ? null : new URL(link[1], url).href;
      const text = await response.text();
      try {
        return { url: following, page: JSON.parse(text) as unknown };
      } catch (cause) {
        throw new ModelFileError('model-list', `${url}: got no JSON, need a list of files`, {
          cause,
        });
      }
    });
  return withRetries(attempt, { net, signal, tries: TRIES });
}

/** An address is taken at its word; one of a shard brings its siblings. */
function offerOfUrl(url: string): ModelOffer {
  const { href, pathname } = parseUrl(url);
  const file = baseName(pathname).replace(/%[0-9a-f]{2}|[^\w.-]/gi, '-');
  const named = /[\w-]/.test(file) ? file : 'model.gguf';
  const files = siblings(named).map((name) => ({
    name,
    url: name === named ? href : href.replace(SHARD_NUMBER, SHARD_NUMBER.exec(name)?.[0] ?? ''),
    sizeBytes: null,
    sha256: null,
  }));
  return { name: modelName(named), source: href, files, sizeBytes: null };
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch (cause) {
    throw new ModelFileError('model-place', `model: got ${url}, need an address`, { cause });
  }
}

/** All file names of a model, from one of them. @throws {ModelFileError} for an absurd count. */
function siblings(file: string): string[] {
  const shard = parseShardName(file);
  if (shard === null) return [file];
  if (shard.count >= 1 && shard.count <= MAX_SHARDS) return shardNames(shard);
  throw new ModelFileError(
    'model-shards',
    `${file}: names ${shard.count} parts, need 1 to ${MAX_SHARDS}; check the name`,
  );
}

/** A file's name as a model's: without folders, ending and shard number. */
export function modelName(path: string): string {
  const file = baseName(path);
  const stem = parseShardName(file)?.stem ?? file.replace(/\.gguf$/i, '');
  const name = stem.replace(/[^\w.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
  return name === '' ? 'model' : name;
}

function baseName(path: string): string {
  return path.split('/').at(-1) ?? path;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
