// Requests to the document drive. Knows nothing of how parts are combined.
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, field, rowsOf } from '../parts.ts';
import { type DriveState, ROLES } from '../servers/drive.ts';
import { entryAt } from './unseen-parts.ts';

const documents = (draft: Draft) => draft.state<DriveState>('drive').documents;

export const DRIVE_REQUESTS: readonly Family[] = [
  {
    name: 'drive_share',
    tools: ['drive:locate', 'drive:grant_access'],
    byName: true,
    takes: 'person',
    phrasings: {
      train: [
        '[Share|Open up] the document {title} with {who}, as {role}.',
        '[Make|Appoint] {who} {role} of [|the document ]{title}.',
        'Give {who} the role of {role} on [|the document ]{title}.',
        'Let {who} into [|the document ]{title} as {role}.',
      ],
      heldOut: [
        'From now on {title} has {who} as {role}.',
        'Set the rights of {who} on the file {title} to {role}.',
      ],
    },
    draw(draft) {
      const { title } = draft.take(documents(draft));
      const { value: person, shown } = draft.given('person', () => draft.person());
      const role = draft.rng.pick(ROLES);
      const spelled = draft.spelled(title);
      const id = String(field(draft.find('drive:locate', 'title', spelled, title), 'id'));
      draft.call('drive:grant_access', { id, grant: { person, role } });
      return changing(
        { title: `'${spelled}'`, who: shown, role },
        `${person} is ${role} of '${title}'`,
        [stateIs('drive', ['documents', { id }, 'access', { person }, 'role'], role)],
      );
    },
  },
  {
    name: 'drive_withdraw',
    tools: ['drive:list_permissions', 'drive:withdraw_access'],
    byName: false,
    phrasings: {
      train: [
        '[Withdraw|Take away] the rights of whoever is editor of {id}.',
        'Find out who [may edit|is the editor of] {id} and [withdraw|remove] that access.',
        '{id} should have no editor any more: [see|look up] who it is and withdraw the access.',
      ],
      heldOut: [
        'Look up the editor of {id} and shut that person out of it.',
        'Whoever can edit {id} must lose all rights on it.',
      ],
    },
    draw(draft) {
      const { id, access } = draft.take(
        documents(draft).filter(
          (document) => document.access.filter(({ role }) => role === 'editor').length === 1,
        ),
      );
      const listed = rowsOf(draft.call('drive:list_permissions', { id }), 'permissions');
      const editor = listed.find(({ role }) => role === 'editor');
      const person = String(editor?.['person']);
      draft.call('drive:withdraw_access', { id, person });
      const left = access.filter((entry) => entry.person !== person);
      return changing({ id }, `${person} has no rights on ${id}`, [
        stateIs('drive', ['documents', { id }, 'access'], left),
      ]);
    },
  },
  {
    name: 'drive_newest',
    tools: ['drive:locate', 'drive:version_history'],
    byName: true,
    gives: 'date',
    phrasings: {
      train: [
        'Who saved the newest version of [|the document ]{title}, and on what date?',
        '[Tell|Show] me who [saved|wrote] the [newest|latest] version of {title}, and on what date.',
        'By whom and on which day was {title} last [saved|changed]?',
      ],
      heldOut: [
        'Name the author and the date of the most recent version of {title}.',
        'The document {title} was touched last by whom, and when?',
      ],
    },
    draw(draft) {
      const { title } = draft.take(documents(draft));
      const spelled = draft.spelled(title);
      const { id } = draft.find('drive:locate', 'title', spelled, title);
      const history = draft.call('drive:version_history', { id: id ?? '' });
      const newest = entryAt(rowsOf(history, 'versions'), 0);
      const date = String(field(newest, 'date'));
      return {
        ...asking(
          { title: `'${spelled}'` },
          [field(newest, 'author'), date],
          `author and date of the newest version of '${title}'`,
        ),
        gives: date,
      };
    },
  },
  {
    name: 'drive_restore',
    tools: ['drive:version_history', 'drive:roll_back'],
    byName: false,
    phrasings: {
      train: [
        '[Bring|Take] {id} back to the version that {who} [saved|wrote].',
        '[Restore|Bring back] the version of {id} [by|that comes from] {who}.',
        'Roll {id} back to [what|the state that] {who} saved.',
      ],
      heldOut: [
        'The text of {id} by {who} was better: make it current again.',
        'Undo everything in {id} that came after the version of {who}.',
      ],
    },
    draw(draft) {
      const { id, versions } = draft.take(documents(draft));
      const { number, author } = draft.rng.pick(versions.slice(0, -1));
      if (versions.filter((version) => version.author === author).length > 1) {
        throw new Rejected(`two versions by ${author}`);
      }
      draft.call('drive:version_history', { id });
      const added = Number(field(draft.call('drive:roll_back', { id, number }), 'number'));
      const path = ['documents', { id }, 'versions', { number: added }, 'restores'];
      return changing({ id, who: `'${author}'` }, `${id} is as ${author} saved it`, [
        stateIs('drive', path, number),
      ]);
    },
  },
  {
    name: 'drive_last_title',
    tools: ['drive:browse_folder', 'drive:browse_folder'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'Which title comes last in the alphabetical list of the folder {folder}?',
        'Sorted by title, what is the last document in [|the folder ]{folder}?',
        '[Go|Page] through the folder {folder} by title and [tell|give] me the title at the very end.',
        'What is the very last title when the folder {folder} is listed by title?',
      ],
      heldOut: [
        'Read the list of {folder} to its end, in alphabetical order: what is the closing title?',
        'Of all documents in {folder}, which one has the title that is last from A to Z?',
      ],
    },
    draw(draft) {
      const { folders } = draft.state<DriveState>('drive');
      const sizeOf = (id: string) => documents(draft).filter(({ folder }) => folder === id).length;
      const { name } = draft.take(folders.filter(({ id }) => sizeOf(id) > 5 && sizeOf(id) <= 10));
      const first = draft.call('drive:browse_folder', { folder: name });
      const page = Number(field(first, 'nextPage'));
      const second = draft.call('drive:browse_folder', { folder: name, page });
      const title = String(field(entryAt(rowsOf(second, 'items'), -1), 'title'));
      return {
        ...asking({ folder: `'${name}'` }, [title], `the last title in '${name}'`),
        gives: title,
      };
    },
  },
];
