// The built-in document drive: folders of documents, who may see them, and their versions. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import type { Rng } from '../../base/rng.ts';
import {
  byId,
  byName,
  changed,
  defineTool,
  drawIds,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { distinct, pairName, personName, shiftDate, words } from '../values.ts';

export const ROLES = ['viewer', 'commenter', 'editor'] as const;

type Access = { person: string; role: (typeof ROLES)[number] };
/** `restores` is the number of the version that this one brought back, null for one that was written. */
type Version = { number: number; date: string; author: string; restores: number | null };
type DriveDocument = {
  id: string;
  title: string;
  folder: string;
  access: Access[];
  versions: Version[];
};
export type DriveState = { folders: { id: string; name: string }[]; documents: DriveDocument[] };

const TITLE_FIRSTS = words(`
  annual draft joint revised quarterly internal external preliminary signed final regional interim
  monthly shared public technical legal weekly
`);
const TITLE_SECONDS = words(`
  agreement forecast minutes roster handbook proposal inventory survey charter timeline statement
  checklist manual glossary itinerary syllabus dossier ledger
`);
const FOLDER_FIRSTS = words(`
  harvest meridian falcon lighthouse compass orchid granite aurora juniper mosaic pioneer summit
  tidal willow zephyr ember cascade bramble
`);
const FOLDER_SECONDS = words(`
  archive desk files office papers project records room shelf space stack store team vault work
  group binder cabinet
`);

const documentId = z.string().describe('document id, such as DOC-512');
const person = z.string().min(1).max(60).describe('name of a person');
const role = z.enum(ROLES);

const locate = defineTool({
  name: 'locate',
  description: 'Finds a document by its title and tells which folder it lies in.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ id: z.string(), folder: z.string() }),
  kind: 'reads',
  run(state: DriveState, { title }) {
    const found = byName(state.documents, title, (document) => document.title);
    if (typeof found === 'string') return { error: found };
    const folder = state.folders.find(({ id }) => id === found.folder)?.name ?? '';
    return { value: { id: found.id, folder } };
  },
});

function lastDate({ versions }: DriveDocument): string {
  return versions.at(-1)?.date ?? '';
}

const browseFolder = defineTool({
  name: 'browse_folder',
  description:
    'Lists the documents of a folder in pages, sorted by title or with the last changed first.',
  input: z.strictObject({
    folder: z.string().describe('name of the folder'),
    sort: z.enum(['title', 'changed']).default('title'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(z.strictObject({ id: z.string(), title: z.string(), changed: z.string() })),
  kind: 'reads',
  run(state: DriveState, { folder: name, sort, page }) {
    const folder = byName(state.folders, name, (entry) => entry.name);
    if (typeof folder === 'string') return { error: folder };
    const rows = state.documents
      .filter((document) => document.folder === folder.id)
      .map((document) => ({
        id: document.id,
        title: document.title,
        changed: lastDate(document),
      }))
      .sort((a, b) => (a.title < b.title ? -1 : 1));
    if (sort === 'changed') rows.sort((a, b) => (a.changed > b.changed ? -1 : 1));
    return pageOf(rows, page);
  },
});

const listPermissions = defineTool({
  name: 'list_permissions',
  description: 'Lists who may see, comment on or edit a document.',
  input: z.strictObject({ id: documentId, role: role.optional().describe('only this role') }),
  output: z.strictObject({
    permissions: z.array(z.strictObject({ person: z.string(), role })),
    count: z.int(),
  }),
  kind: 'reads',
  run(state: DriveState, args) {
    const document = byId(state.documents, args.id);
    if (typeof document === 'string') return { error: document };
    const permissions = document.access.filter(
      (access) => args.role === undefined || access.role === args.role,
    );
    return { value: { permissions, count: permissions.length } };
  },
});

function update(state: DriveState, id: string, set: Partial<DriveDocument>): DriveState {
  return { ...state, documents: changed(state.documents, id, set) };
}

const grantAccess = defineTool({
  name: 'grant_access',
  description: 'Gives a person a role on a document; a role that the person has is replaced.',
  input: z.strictObject({
    id: documentId,
    grant: z.strictObject({ person, role: role.default('viewer') }),
  }),
  output: z.strictObject({ id: z.string(), people: z.int() }),
  kind: 'sets',
  run(state: DriveState, { id, grant }) {
    const document = byId(state.documents, id);
    if (typeof document === 'string') return { error: document };
    const known = document.access.some((access) => access.person === grant.person);
    const access = known
      ? document.access.map((other) => (other.person === grant.person ? grant : other))
      : [...document.access, grant];
    return {
      value: { id: document.id, people: access.length },
      state: update(state, document.id, { access }),
    };
  },
});

const withdrawAccess = defineTool({
  name: 'withdraw_access',
  description: 'Takes all rights on a document from a person. Fails when the person has none.',
  input: z.strictObject({ id: documentId, person }),
  output: z.strictObject({ id: z.string(), people: z.int() }),
  kind: 'adds',
  run(state: DriveState, args) {
    const document = byId(state.documents, args.id);
    if (typeof document === 'string') return { error: document };
    const entry = byName(document.access, args.person, (access) => access.person);
    if (typeof entry === 'string')
      return { error: `person: no access to ${document.id}, ${entry}` };
    const access = document.access.filter((other) => other !== entry);
    return {
      value: { id: document.id, people: access.length },
      state: update(state, document.id, { access }),
    };
  },
});

const versionHistory = defineTool({
  name: 'version_history',
  description: 'Lists the versions of a document, the newest first.',
  input: z.strictObject({ id: documentId }),
  output: z.strictObject({
    versions: z.array(
      z.strictObject({
        number: z.int(),
        date: z.string(),
        author: z.string(),
        restores: z.int().nullable(),
      }),
    ),
  }),
  kind: 'reads',
  run(state: DriveState, { id }) {
    const document = byId(state.documents, id);
    if (typeof document === 'string') return { error: document };
    return { value: { versions: [...document.versions].reverse() } };
  },
});

const rollBack = defineTool({
  name: 'roll_back',
  description:
    'Brings an older version of a document back, as a new version of the day it is done. Fails for the newest version.',
  input: z.strictObject({
    id: documentId,
    number: z.int().min(1).describe('version to bring back'),
  }),
  output: z.strictObject({ id: z.string(), number: z.int() }),
  kind: 'adds',
  run(state: DriveState, args, clock) {
    const document = byId(state.documents, args.id);
    if (typeof document === 'string') return { error: document };
    const { versions } = document;
    const old = versions.find(({ number }) => number === args.number);
    if (old === undefined || old === versions.at(-1)) {
      return {
        error: `number: got ${args.number}, older versions are 1 to ${versions.length - 1}`,
      };
    }
    const added: Version = {
      number: versions.length + 1,
      date: clock.slice(0, 10),
      author: old.author,
      restores: old.number,
    };
    return {
      value: { id: document.id, number: added.number },
      state: update(state, document.id, { versions: [...versions, added] }),
    };
  },
});

/** Two to four versions by different people, on different days before `today`. */
function pastVersions(rng: Rng, people: readonly string[], today: string): Version[] {
  let daysAgo = rng.int(60, 200);
  return rng.sample(people, rng.int(2, 4)).map((author, i) => {
    const date = shiftDate(today, -daysAgo);
    daysAgo -= rng.int(1, 14);
    return { number: i + 1, date, author, restores: null };
  });
}

/** The drive server. Its state is `{folders: [{id, name}], documents: [{id, title, folder, access, versions}]}`. */
export const drive: ServerDef = {
  name: 'drive',
  description: 'Documents in shared folders, with permissions and versions.',
  tools: [
    locate,
    browseFolder,
    listPermissions,
    grantAccess,
    withdrawAccess,
    versionHistory,
    rollBack,
  ],
  initial(rng, pool, clock): DriveState {
    const folderName = () => pairName(rng, pool, 'folder', [FOLDER_FIRSTS, FOLDER_SECONDS]);
    const names = distinct(3, folderName);
    const folders = drawIds(rng, 'FLD', 3, 10, 99).map((id, i) => ({ id, name: names[i] ?? '' }));
    const title = () => pairName(rng, pool, 'document', [TITLE_FIRSTS, TITLE_SECONDS]);
    const titles = distinct(12, title);
    const people = distinct(8, () => personName(rng, pool));
    const documents = drawIds(rng, 'DOC', titles.length, 102, 986).map((id, i): DriveDocument => {
      const [editor = '', ...others] = rng.sample(people, rng.int(2, 4));
      // The first seven lie together, so that one folder has a second page.
      const folder = folders[i < 7 ? 0 : rng.int(1, 2)]?.id ?? '';
      const access = others.map(
        (other): Access => ({ person: other, role: rng.pick(['viewer', 'commenter']) }),
      );
      return {
        id,
        title: titles[i] ?? '',
        folder,
        access: rng.shuffle([{ person: editor, role: 'editor' }, ...access]),
        versions: pastVersions(rng, people, clock.slice(0, 10)),
      };
    });
    return { folders, documents };
  },
};
