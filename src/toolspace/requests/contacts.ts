// Requests to the address book. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, numberOf, rowsOf, textOf } from '../parts.ts';
import {
  CONTACT_CITIES,
  type Contact,
  type ContactsState,
  companyName,
  fictionalPhone,
  GROUPS,
} from '../servers/contacts.ts';
import { firstIn, quoted } from './office-rows.ts';

const contacts = (draft: Draft) => draft.state<ContactsState>('contacts').contacts;

/** A contact that came with the world: one that a part added may lack what is asked for. */
function takeContact(draft: Draft, fits: (contact: Contact) => boolean = () => true): Contact {
  return draft.take(contacts(draft).filter((item) => item.birthday !== '' && fits(item)));
}

/** The id of a contact whose name may be misspelled in the request, and how it stands there. */
function findByName(draft: Draft, { name }: Contact): { id: string; shown: string } {
  const spelled = draft.spelled(name);
  const id = textOf(draft.find('contacts:find_contact', 'name', spelled, name), 'id');
  return { id, shown: quoted(spelled) };
}

export const CONTACTS_REQUESTS: readonly Family[] = [
  {
    name: 'contacts_reach',
    tools: ['contacts:find_contact'],
    byName: true,
    phrasings: {
      train: [
        'What is the {what} of {who}?',
        '[Look up|Find|Get|Give me|Tell me] the {what} of {who}[| in my contacts].',
        'Which {what} [do I have for|is in my contacts for] {who}?',
        'I want to reach {who}, [find|give me] the {what}.',
      ],
      heldOut: [
        'At what {what} can {who} be reached?',
        'My contacts have a {what} for {who}; which one?',
      ],
    },
    draw(draft) {
      const { name } = takeContact(draft);
      const [what, key] = draft.rng.pick([
        ['phone number', 'phone'],
        ['mail address', 'email'],
      ] as const);
      const spelled = draft.spelled(name);
      const found = draft.find('contacts:find_contact', 'name', spelled, name);
      return asking({ who: quoted(spelled), what }, [textOf(found, key)], `the ${what} of ${name}`);
    },
  },
  {
    name: 'contacts_city',
    tools: ['contacts:find_contact', 'contacts:get_contact'],
    byName: true,
    gives: 'city',
    phrasings: {
      train: [
        '[In which|In what] city does {who} live?',
        '[Look up|Find out|Tell me] [where|in which city] {who} lives.',
        'What city [is on the card of|do my contacts name for] {who}?',
        'Where does {who} live[| according to my contacts]?',
      ],
      heldOut: ['Name the home city of {who}.', 'I need to know the city of {who}.'],
    },
    draw(draft) {
      const contact = takeContact(draft);
      const { id, shown } = findByName(draft, contact);
      const city = textOf(draft.call('contacts:get_contact', { id }), 'city');
      return { ...asking({ who: shown }, [city], `the city of ${contact.name}`), gives: city };
    },
  },
  {
    name: 'contacts_birthday_at',
    tools: ['contacts:search_contacts', 'contacts:get_contact'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'Which of my contacts works [at|for] {company}, and when was [he or she|that person] born?',
        '[Find|Look up] my contact at {company} and [tell|give] me [the name and the birthday|name and birthday].',
        'Who do I know at {company}? [Give|Tell] me the name and the date of birth.',
      ],
      heldOut: [
        'One of my contacts is with {company}: state who it is and the date of birth.',
        'Name my contact from {company} and the birthday on the card.',
      ],
    },
    draw(draft) {
      const all = contacts(draft);
      const { company } = takeContact(
        draft,
        (item) => all.filter((other) => other.company === item.company).length === 1,
      );
      const filter = { company: draft.fresh(company) };
      const { id } = firstIn(draft.call('contacts:search_contacts', { filter }));
      const found = draft.call('contacts:get_contact', { id: String(id) });
      const birthday = textOf(found, 'birthday');
      const asked = [textOf(found, 'name'), birthday];
      return {
        ...asking({ company: quoted(company) }, asked, `who works at ${company} and the birthday`),
        gives: birthday,
      };
    },
  },
  {
    name: 'contacts_moved',
    tools: ['contacts:find_contact', 'contacts:update_contact'],
    byName: true,
    takes: 'city',
    phrasings: {
      train: [
        '[Change|Set|Update] the city of {who} to {city}[| in my contacts].',
        'My contact {who} [moved|has moved] to {city}, [note it|update the card].',
        'Note [in my contacts |]that {who} now lives in {city}.',
      ],
      heldOut: [
        'On the card of {who} the city should be {city}.',
        'My contact {who} has a new home in {city}; change the entry.',
      ],
    },
    draw(draft) {
      const contact = takeContact(draft);
      const others = CONTACT_CITIES.filter((name) => name !== contact.city);
      const { value: city, shown: where } = draft.given('city', () => draft.rng.pick(others));
      if (city === contact.city) throw new Rejected(`${contact.name} lives in ${city}`);
      const { id, shown } = findByName(draft, contact);
      draft.call('contacts:update_contact', { id, changes: { city } });
      return changing({ who: shown, city: where }, `${contact.name} lives in ${city}`, [
        stateIs('contacts', ['contacts', { id }, 'city'], city),
      ]);
    },
  },
  {
    name: 'contacts_add',
    tools: ['contacts:create_contact'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        '[Add|Create|Make] a contact for {who} of {company} with the phone number {phone}.',
        'Put {who} in my contacts: company {company}, phone {phone}.',
        'Save {who} from {company} [in|to] my contacts, phone number {phone}.',
      ],
      heldOut: [
        'My address book lacks {who}, who works for {company} and has the number {phone}; add the card.',
        'Make a new card for {who}: {phone} is the phone number, {company} the company.',
      ],
    },
    draw(draft) {
      const { value: name, shown } = draft.given('person', () => draft.person());
      if (contacts(draft).some((item) => item.name === name))
        throw new Rejected(`${name} is there`);
      const company = companyName(draft.rng, draft.pool);
      const phone = fictionalPhone(draft.rng);
      draft.call('contacts:create_contact', { name, details: { company, phone } });
      const path = ['contacts', { name }];
      return changing(
        { who: shown, company: quoted(company), phone },
        `${name} is a contact at ${company} with the number ${phone}`,
        [
          stateIs('contacts', [...path, 'company'], company),
          stateIs('contacts', [...path, 'phone'], phone),
        ],
      );
    },
  },
  {
    name: 'contacts_join_group',
    tools: ['contacts:find_contact', 'contacts:add_to_group'],
    byName: true,
    phrasings: {
      train: [
        '[Add {who} to|Put {who} in] the group {group}[| in my contacts].',
        'My contact {who} [now belongs to|has joined] the group {group}, [note it|update the group].',
        '[Make {who} a member of|Let {who} be in] the contact group {group}.',
      ],
      heldOut: [
        'The contact group {group} should have {who} as a member.',
        'From now on {who} is one of the group {group} in my contacts.',
      ],
    },
    draw(draft) {
      const contact = takeContact(draft);
      const others = GROUPS.filter((name) => !contact.groups.includes(name));
      const group = draft.rng.pick(others);
      const { id, shown } = findByName(draft, contact);
      draft.call('contacts:add_to_group', { ids: [id], group });
      const groups = GROUPS.filter((name) => name === group || contact.groups.includes(name));
      return changing({ who: shown, group }, `${contact.name} is in the group ${group}`, [
        stateIs('contacts', ['contacts', { id }, 'groups'], groups),
      ]);
    },
  },
  {
    name: 'contacts_leave_group',
    tools: ['contacts:find_contact', 'contacts:remove_from_group'],
    byName: true,
    phrasings: {
      train: [
        '[Remove|Take|Drop] {who} from the contact group {group}.',
        'My contact {who} has left the group {group}, [note it|update the group].',
        '[Remove my contact {who} from|Take my contact {who} out of] the group {group}.',
      ],
      heldOut: [
        'Strike {who} off the contact group {group}.',
        'My contact {who} is no longer in the group {group}; change that.',
      ],
    },
    draw(draft) {
      const contact = takeContact(draft, ({ groups }) => groups.length > 0);
      const group = draft.rng.pick(contact.groups);
      const { id, shown } = findByName(draft, contact);
      draft.call('contacts:remove_from_group', { id, group });
      const groups = contact.groups.filter((name) => name !== group);
      return changing({ who: shown, group }, `${contact.name} is not in the group ${group}`, [
        stateIs('contacts', ['contacts', { id }, 'groups'], groups),
      ]);
    },
  },
  {
    name: 'contacts_next_birthday',
    tools: ['contacts:upcoming_birthdays'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who of my contacts has the first birthday in the next {n} days, and on what date?',
        'Whose birthday is the [next|first] one among my contacts in the next {n} days? [Give|Tell] me name and date.',
        'Look at the birthdays of my contacts in the next {n} days: who is first, and when?',
      ],
      heldOut: [
        'Of the birthdays that my contacts have within {n} days, name the earliest: person and date.',
        'Within {n} days, which contact has a birthday soonest, and what is the date?',
      ],
    },
    draw(draft) {
      const days = draft.fresh(draft.rng.int(45, 150));
      const found = firstIn(draft.call('contacts:upcoming_birthdays', { days }), 'birthdays');
      const name = textOf(found, 'name');
      draft.claim(`birthday of ${name}`);
      return {
        ...asking(
          { n: String(days) },
          [name, textOf(found, 'date')],
          `whose birthday comes first within ${days} days, and when`,
        ),
        gives: name,
      };
    },
  },
  {
    name: 'contacts_group_size',
    tools: ['contacts:list_groups'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many [members|people] are in the [contact group {group}|group {group} of my contacts]?',
        '[Count|Tell me the number of] the members of the contact group {group}.',
        'How big is the group {group} in my contacts?',
      ],
      heldOut: [
        'State the size of the contact group {group}.',
        'The group {group} of my address book counts how many people?',
      ],
    },
    draw(draft) {
      const name = draft.rng.pick(GROUPS);
      draft.claim(`size of ${name}`);
      const rows = rowsOf(draft.call('contacts:list_groups', {}), 'groups');
      const row = defined(
        rows.find(({ group }) => group === name),
        name,
      );
      const size = numberOf(row, 'members');
      return {
        ...asking({ group: name }, [size], `how many members the group ${name} has`),
        gives: size,
      };
    },
  },
];
