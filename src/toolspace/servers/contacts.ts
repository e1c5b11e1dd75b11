// The built-in address book: people with how to reach them, where they work, their birthdays and groups. Knows nothing of
// tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
import {
  byId,
  byName,
  changed,
  defineTool,
  drawIds,
  nextId,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import {
  daysBetween,
  distinct,
  isDate,
  type Pool,
  pairName,
  personName,
  shiftDate,
  words,
} from '../values.ts';

export const GROUPS = ['family', 'friends', 'work', 'choir', 'climbing', 'neighbours'] as const;
export const CONTACT_CITIES = words(`
  Lisbon Porto Madrid Valencia Bordeaux Lyon Dublin Cardiff Leeds Antwerp Utrecht Hamburg Leipzig
  Zurich Vienna Graz Prague Krakow Gdansk Riga Turku Bergen Aarhus Malmo
`);

/** What is not known of a contact is an empty text. */
export type Contact = {
  id: string;
  name: string;
  phone: string;
  email: string;
  company: string;
  city: string;
  birthday: string;
  groups: string[];
};
export type ContactsState = { contacts: Contact[] };

const FIRST_WORDS = words(`
  Alder Beacon Cedar Comet Crescent Delta Ember Falcon Granite Heron Juniper Lagoon Maple Nimbus
  Osprey Pebble Raven Sequoia Sparrow Vertex
`);
const SECOND_WORDS = words(`
  Analytics Architects Bakery Bikes Capital Ceramics Dental Engines Films Foods Freight Logistics
  Media Optics Partners Robotics Textiles Toys Tours Ventures
`);

/** The name of a company, such as `Maple Optics`. */
export function companyName(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'company', [FIRST_WORDS, SECOND_WORDS]);
}

/** A number of the range that Ofcom keeps free for fiction: 020 7946 0000 to 0999. */
export function fictionalPhone(rng: Rng): string {
  return `+44 20 7946 ${String(rng.int(0, 999)).padStart(4, '0')}`;
}

const contactId = z.string().describe('contact id, such as C-214');
const group = z.enum(GROUPS);
const shown = z.strictObject({ id: z.string(), name: z.string(), company: z.string() });
const details = z
  .strictObject({
    phone: z.string().regex(/^\+\d[\d ]{6,18}\d$/, 'need a number like +44 20 7946 0123'),
    email: z.string().regex(/^\S+@\S+\.\S+$/, 'need an address like ann@example.com'),
    company: z.string().min(1),
    city: z.string().min(1),
    birthday: z.string().describe('date, like 1988-03-14'),
  })
  .partial();
const card = z.strictObject({
  id: z.string(),
  name: z.string(),
  phone: z.string(),
  email: z.string(),
  company: z.string(),
  city: z.string(),
  birthday: z.string(),
  groups: z.array(group),
});

const same = (a: string, b: string) => a.trim().toLowerCase() === b.trim().toLowerCase();

/** The fields that are given: an optional one that is left out says nothing. */
function given(changes: z.infer<typeof details>): { set: Partial<Contact> } | { error: string } {
  const { birthday } = changes;
  if (birthday !== undefined && !isDate(birthday))
    return { error: `birthday: got '${birthday}', need a date like 1988-03-14` };
  const entries = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { set: Object.fromEntries(entries) };
}

const searchContacts = defineTool({
  name: 'search_contacts',
  description: 'Searches contacts by a part of the name and by group, company or city.',
  input: z.strictObject({
    query: z.string().default('').describe('a part of the name'),
    filter: z
      .strictObject({ group, company: z.string(), city: z.string() })
      .partial()
      .optional()
      .describe('only contacts that fit'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(shown),
  kind: 'reads',
  run(state: ContactsState, { query, filter = {}, page }) {
    const wanted = query.trim().toLowerCase();
    const found = state.contacts.filter(
      ({ name, company, city, groups }) =>
        name.toLowerCase().includes(wanted) &&
        (filter.group === undefined || groups.includes(filter.group)) &&
        (filter.company === undefined || same(company, filter.company)) &&
        (filter.city === undefined || same(city, filter.city)),
    );
    return pageOf(
      found.map(({ id, name, company }) => ({ id, name, company })),
      page,
    );
  },
});

const findContact = defineTool({
  name: 'find_contact',
  description: 'Finds a contact by name and tells how to reach the person.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ id: z.string(), phone: z.string(), email: z.string() }),
  kind: 'reads',
  run(state: ContactsState, { name }) {
    const contact = byName(state.contacts, name, (item) => item.name);
    if (typeof contact === 'string') return { error: contact };
    const { id, phone, email } = contact;
    return { value: { id, phone, email } };
  },
});

const getContact = defineTool({
  name: 'get_contact',
  description: 'Reads the whole card of a contact; what is not known is empty.',
  input: z.strictObject({ id: contactId }),
  output: card,
  kind: 'reads',
  run(state: ContactsState, { id }) {
    const contact = byId(state.contacts, id);
    return typeof contact === 'string' ? { error: contact } : { value: card.parse(contact) };
  },
});

const createContact = defineTool({
  name: 'create_contact',
  description: 'Adds a contact. Fails when there is one of that name already.',
  input: z.strictObject({
    name: z.string().trim().min(1),
    details: details.optional(),
    groups: z.array(group).default([]),
  }),
  output: z.strictObject({ id: z.string() }),
  kind: 'adds',
  run(state: ContactsState, args) {
    const other = state.contacts.find(({ name }) => same(name, args.name));
    if (other !== undefined) return { error: `name: '${args.name}' is ${other.id} already` };
    const known = given(args.details ?? {});
    if ('error' in known) return known;
    const contact: Contact = {
      id: nextId('C', state.contacts),
      name: args.name,
      phone: '',
      email: '',
      company: '',
      city: '',
      birthday: '',
      ...known.set,
      groups: GROUPS.filter((name) => args.groups.includes(name)),
    };
    return { value: { id: contact.id }, state: { contacts: [...state.contacts, contact] } };
  },
});

function update(state: ContactsState, id: string, set: Partial<Contact>): ContactsState {
  return { contacts: changed(state.contacts, id, set) };
}

const updateContact = defineTool({
  name: 'update_contact',
  description: 'Changes details of a contact; those that are not named stay as they are.',
  input: z.strictObject({ id: contactId, changes: details }),
  output: card,
  kind: 'sets',
  run(state: ContactsState, args) {
    const contact = byId(state.contacts, args.id);
    if (typeof contact === 'string') return { error: contact };
    const known = given(args.changes);
    if ('error' in known) return known;
    const { set } = known;
    return { value: card.parse({ ...contact, ...set }), state: update(state, contact.id, set) };
  },
});

const membersSchema = z.strictObject({ group, members: z.int() });

function members(state: ContactsState, name: z.infer<typeof group>) {
  const inside = state.contacts.filter(({ groups }) => groups.includes(name));
  return { group: name, members: inside.length };
}

const addToGroup = defineTool({
  name: 'add_to_group',
  description: 'Puts one or more contacts into a group.',
  input: z.strictObject({ ids: z.array(contactId).min(1), group }),
  output: membersSchema,
  kind: 'sets',
  run(state: ContactsState, args) {
    let next = state;
    for (const id of args.ids) {
      const contact = byId(next.contacts, id);
      if (typeof contact === 'string') return { error: contact };
      const inside = [...contact.groups, args.group];
      const groups = GROUPS.filter((name) => inside.includes(name));
      next = update(next, contact.id, { groups });
    }
    return { value: members(next, args.group), state: next };
  },
});

const removeFromGroup = defineTool({
  name: 'remove_from_group',
  description: 'Takes a contact out of a group; the contact stays in the address book.',
  input: z.strictObject({ id: contactId, group }),
  output: membersSchema,
  kind: 'sets',
  run(state: ContactsState, args) {
    const contact = byId(state.contacts, args.id);
    if (typeof contact === 'string') return { error: contact };
    const groups = contact.groups.filter((name) => name !== args.group);
    const next = update(state, contact.id, { groups });
    return { value: members(next, args.group), state: next };
  },
});

const listGroups = defineTool({
  name: 'list_groups',
  description: 'Lists the groups with the number of their members.',
  input: z.strictObject({}),
  output: z.strictObject({ groups: z.array(membersSchema) }),
  kind: 'reads',
  run(state: ContactsState) {
    return { value: { groups: GROUPS.map((name) => members(state, name)) } };
  },
});

/** The day of a birthday in a year; who was born on 29 February turns older on 1 March of a common year. */
function birthdayIn(year: number, birthday: string): string {
  const day = `${year}${birthday.slice(4)}`;
  return isDate(day) ? day : `${year}-03-01`;
}

const upcomingBirthdays = defineTool({
  name: 'upcoming_birthdays',
  description:
    'Lists the birthdays from today until some days from now, the next one first, with the age that is reached.',
  input: z.strictObject({ days: z.int().min(1).max(366).default(30) }),
  output: z.strictObject({
    birthdays: z.array(
      z.strictObject({ id: z.string(), name: z.string(), date: z.string(), turns: z.int() }),
    ),
  }),
  kind: 'reads',
  run(state: ContactsState, { days }, clock) {
    const today = clock.slice(0, 10);
    const year = Number(today.slice(0, 4));
    const birthdays = state.contacts
      .filter(({ birthday }) => birthday !== '')
      .map(({ id, name, birthday }) => {
        const thisYear = birthdayIn(year, birthday);
        const date = thisYear < today ? birthdayIn(year + 1, birthday) : thisYear;
        const turns = Number(date.slice(0, 4)) - Number(birthday.slice(0, 4));
        return { id, name, date, turns };
      })
      .filter(({ date }) => daysBetween(today, date) <= days)
      .sort((a, b) => daysBetween(b.date, a.date));
    return { value: { birthdays } };
  },
});

/** The contacts server. Its state is `{contacts: [{id, name, phone, email, company, city, birthday, groups}]}`. */
export const contacts: ServerDef = {
  name: 'contacts',
  description: 'An address book: people, how to reach them, their birthdays and groups.',
  tools: [
    searchContacts,
    findContact,
    getContact,
    createContact,
    updateContact,
    addToGroup,
    removeFromGroup,
    listGroups,
    upcomingBirthdays,
  ],
  initial(rng, pool, clock): ContactsState {
    const count = rng.int(11, 13);
    const names = distinct(count, () => personName(rng, pool));
    const companies = distinct(7, () => companyName(rng, pool));
    const phones = distinct(count, () => fictionalPhone(rng));
    // One birthday every four weeks or so, on different days.
    const days = distinct(count, () => shiftDate(clock.slice(0, 10), rng.int(1, 360)));
    const people = drawIds(rng, 'C', count, 101, 987).map((id, i): Contact => {
      const name = defined(names[i], 'name');
      // The first four work alone in their companies, the others share three.
      const company = companies[i] ?? rng.pick(companies.slice(4));
      const mine = rng.sample(GROUPS, rng.int(1, 2));
      return {
        id,
        name,
        phone: defined(phones[i], 'phone'),
        email: `${name.toLowerCase()}@${company.toLowerCase().replace(' ', '-')}.example`,
        company,
        city: rng.pick(CONTACT_CITIES),
        birthday: birthdayIn(rng.int(1949, 2006), defined(days[i], 'day')),
        groups: GROUPS.filter((item) => mine.includes(item)),
      };
    });
    return { contacts: people };
  },
};
