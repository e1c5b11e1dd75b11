// The built-in team chat: channels with members, their messages, and the status of people. Knows nothing of tasks or
// transports.
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
import { dayTime, distinct, isTime, type Pool, pairName, personName, words } from '../values.ts';

export const REACTIONS = ['heart', 'rocket', 'eyes', 'party', 'thanks'] as const;
export const STATUSES = ['available', 'busy', 'away', 'offline'] as const;
/** Who uses the chat, as author, member and reacting person. */
const ME = 'me';

/** `id` is the name. */
export type Channel = { id: string; topic: string; owner: string; members: string[] };
type Reaction = { emoji: string; people: string[] };
export type ChatMessage = {
  id: string;
  channel: string;
  author: string;
  text: string;
  pinned: boolean;
  reactions: Reaction[];
};
/** `id` is the name; `until` is a time of this day, null for no end. */
type Person = { id: string; status: string; until: string | null };
/** Messages stand in the order in which they came. */
export type ChatState = { channels: Channel[]; messages: ChatMessage[]; people: Person[] };

const FIRST_WORDS = words(`
  bakery biology cargo ceramics climate dance drama fitness forestry geology goldsmith hockey
  logbook marathon nursery pottery radio sailing tailor welding
`);
const SECOND_WORDS = words(`
  alumni board buddies camp circle club committee corner crew ensemble forum guild lab league lounge
  network office squad team volunteers
`);
const THING_WORDS = words(`
  attic balcony banner barrel blanket cabinet carriage chimney counter curtain drawer fence gate helmet
  kiosk pillar ramp stage tent wagon
`);
const CARE_WORDS = words(`
  cleaning cutting decoration delivery drawing fitting insulation lighting loan measuring painting
  polish purchase removal rental sale sketch storage test wiring
`);
const NEWS = ['is done', 'is late again', 'starts on Monday', 'needs two more hands', 'went well'];

/** The name of a channel, such as `radio-crew`. */
function channelName(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'channel', [FIRST_WORDS, SECOND_WORDS]).replace(' ', '-');
}

/** What people chat about, such as `gate painting`. */
export function chatTopic(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'chat', [THING_WORDS, CARE_WORDS]);
}

const channelArg = z.string().describe('name of a channel, such as radio-crew');
const messageId = z.string().describe('message id, such as MSG-214');
const person = z.string().min(1).describe('name of a person');
const row = z.strictObject({
  id: z.string(),
  channel: z.string(),
  author: z.string(),
  text: z.string(),
});

function channelNamed(state: ChatState, name: string): Channel | { error: string } {
  const found = byName(state.channels, name.replace(/^#/, ''), ({ id }) => id);
  return typeof found === 'string' ? { error: found } : found;
}

const listChannels = defineTool({
  name: 'list_channels',
  description:
    'Lists the channels with topic and number of members, or only those that a person is in.',
  input: z.strictObject({ member: person.optional() }),
  output: z.strictObject({
    channels: z.array(z.strictObject({ name: z.string(), topic: z.string(), members: z.int() })),
  }),
  kind: 'reads',
  run(state: ChatState, { member }) {
    const found = state.channels.filter(
      ({ members }) => member === undefined || members.includes(member),
    );
    const channels = found.map(({ id, topic, members }) => ({
      name: id,
      topic,
      members: members.length,
    }));
    return { value: { channels } };
  },
});

const getChannel = defineTool({
  name: 'get_channel',
  description: 'Reads a channel: topic, owner, members and the ids of its pinned messages.',
  input: z.strictObject({ channel: channelArg }),
  output: z.strictObject({
    name: z.string(),
    topic: z.string(),
    owner: z.string(),
    members: z.array(z.string()),
    member_count: z.int(),
    pinned: z.array(z.string()),
  }),
  kind: 'reads',
  run(state: ChatState, args) {
    const channel = channelNamed(state, args.channel);
    if ('error' in channel) return channel;
    const { id, topic, owner, members } = channel;
    const pinned = state.messages
      .filter((message) => message.channel === id && message.pinned)
      .map((message) => message.id);
    return { value: { name: id, topic, owner, members, member_count: members.length, pinned } };
  },
});

const searchMessages = defineTool({
  name: 'search_messages',
  description: 'Searches messages by words and by channel, author or pin; the newest comes first.',
  input: z.strictObject({
    query: z.string().default('').describe('words of the text'),
    filter: z
      .strictObject({ channel: channelArg, author: person, pinned: z.boolean() })
      .partial()
      .optional()
      .describe('only messages that fit'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(row),
  kind: 'reads',
  run(state: ChatState, { query, filter = {}, page }) {
    const wanted = query.trim().toLowerCase();
    const place = filter.channel === undefined ? null : channelNamed(state, filter.channel);
    if (place !== null && 'error' in place) return place;
    const author = filter.author?.trim().toLowerCase();
    const found = state.messages.filter(
      (message) =>
        message.text.toLowerCase().includes(wanted) &&
        (place === null || message.channel === place.id) &&
        (author === undefined || message.author.toLowerCase() === author) &&
        (filter.pinned === undefined || message.pinned === filter.pinned),
    );
    const rows = found.map(({ id, channel, author: by, text }) => ({
      id,
      channel,
      author: by,
      text,
    }));
    return pageOf(rows.reverse(), page);
  },
});

const postMessage = defineTool({
  name: 'post_message',
  description: 'Posts a message of yours in a channel.',
  input: z.strictObject({ channel: channelArg, text: z.string().min(1) }),
  output: z.strictObject({ id: z.string(), channel: z.string() }),
  kind: 'adds',
  run(state: ChatState, args) {
    const channel = channelNamed(state, args.channel);
    if ('error' in channel) return channel;
    const message: ChatMessage = {
      id: nextId('MSG', state.messages),
      channel: channel.id,
      author: ME,
      text: args.text,
      pinned: false,
      reactions: [],
    };
    return {
      value: { id: message.id, channel: channel.id },
      state: { ...state, messages: [...state.messages, message] },
    };
  },
});

const addMember = defineTool({
  name: 'add_member',
  description: 'Adds a person to a channel; a member stays one.',
  input: z.strictObject({ channel: channelArg, member: person }),
  output: z.strictObject({ channel: z.string(), member_count: z.int() }),
  kind: 'sets',
  run(state: ChatState, args) {
    const channel = channelNamed(state, args.channel);
    if ('error' in channel) return channel;
    const members = [...new Set([...channel.members, args.member])];
    return {
      value: { channel: channel.id, member_count: members.length },
      state: { ...state, channels: changed(state.channels, channel.id, { members }) },
    };
  },
});

function update(state: ChatState, id: string, set: Partial<ChatMessage>): ChatState {
  return { ...state, messages: changed(state.messages, id, set) };
}

const pinMessage = defineTool({
  name: 'pin_message',
  description: 'Pins a message to its channel, or takes the pin away.',
  input: z.strictObject({ id: messageId, pinned: z.boolean().default(true) }),
  output: z.strictObject({ id: z.string(), channel: z.string(), pinned: z.boolean() }),
  kind: 'sets',
  run(state: ChatState, { id, pinned }) {
    const message = byId(state.messages, id);
    if (typeof message === 'string') return { error: message };
    return {
      value: { id: message.id, channel: message.channel, pinned },
      state: update(state, message.id, { pinned }),
    };
  },
});

const addReaction = defineTool({
  name: 'add_reaction',
  description: 'Puts a reaction of yours on a message, once for each emoji.',
  input: z.strictObject({ id: messageId, emoji: z.enum(REACTIONS) }),
  output: z.strictObject({ id: z.string(), emoji: z.enum(REACTIONS), count: z.int() }),
  kind: 'sets',
  run(state: ChatState, { id, emoji }) {
    const message = byId(state.messages, id);
    if (typeof message === 'string') return { error: message };
    const old = message.reactions.find((reaction) => reaction.emoji === emoji)?.people ?? [];
    const people = [...new Set([...old, ME])];
    const others = message.reactions.filter((reaction) => reaction.emoji !== emoji);
    // In the order of the list, so that the order of calls does not show in the state.
    const reactions = REACTIONS.flatMap((name) =>
      name === emoji ? [{ emoji, people }] : others.filter((reaction) => reaction.emoji === name),
    );
    return {
      value: { id: message.id, emoji, count: people.length },
      state: update(state, message.id, { reactions }),
    };
  },
});

const statusSchema = z.strictObject({
  person: z.string(),
  status: z.enum(STATUSES),
  until: z.string().nullable(),
});

const getStatus = defineTool({
  name: 'get_status',
  description:
    'Tells whether a person is available, and until what time of today the status holds.',
  input: z.strictObject({ person }),
  output: statusSchema,
  kind: 'reads',
  run(state: ChatState, args) {
    const found = byName(state.people, args.person, ({ id }) => id);
    if (typeof found === 'string') return { error: found };
    const { id, status, until } = found;
    return { value: statusSchema.parse({ person: id, status, until }) };
  },
});

const setStatus = defineTool({
  name: 'set_status',
  description: 'Sets your own status, for good or until a time of today.',
  input: z.strictObject({
    status: z.enum(STATUSES),
    until: z.string().optional().describe('time of day, like 14:30'),
  }),
  output: statusSchema,
  kind: 'sets',
  run(state: ChatState, { status, until = null }) {
    if (until !== null && !isTime(until))
      return { error: `until: got '${until}', need a time like 14:30` };
    const people = changed(state.people, ME, { status, until });
    return { value: { person: ME, status, until }, state: { ...state, people } };
  },
});

/**
 * The chat server. Its state is `{channels: [{id, topic, owner, members}], messages: [{id, channel, author, text, pinned,
 * reactions}], people: [{id, status, until}]}`; the ids of channels and people are their names.
 */
export const chat: ServerDef = {
  name: 'chat',
  description: 'A team chat: channels, members, messages with pins and reactions, and status.',
  tools: [
    listChannels,
    getChannel,
    searchMessages,
    postMessage,
    addMember,
    pinMessage,
    addReaction,
    getStatus,
    setStatus,
  ],
  initial(rng, pool): ChatState {
    const count = rng.int(6, 7);
    const names = distinct(count, () => channelName(rng, pool));
    const topics = distinct(count + 18, () => chatTopic(rng, pool));
    const people = distinct(9, () => personName(rng, pool));
    const channels = names.map((id, i): Channel => {
      const members = rng.sample(people, rng.int(2, 8));
      return {
        id,
        topic: defined(topics[i], 'topic'),
        owner: defined(members[0], 'owner'),
        members: [ME, ...members],
      };
    });
    // Each channel has a message, so that each has a latest one.
    const places = [...names, ...Array.from({ length: 18 - count }, () => rng.pick(names))];
    const messages = rng.shuffle(places).map((channel, i) => {
      const { members } = defined(
        channels.find(({ id }) => id === channel),
        channel,
      );
      return {
        channel,
        author: rng.pick(members.slice(1)),
        text: `The ${topics[count + i]} ${rng.pick(NEWS)}`,
        pinned: rng.chance(0.2),
        reactions: [],
      };
    });
    const ids = drawIds(rng, 'MSG', messages.length, 101, 987).sort();
    return {
      channels,
      messages: messages.map((message, i) => ({ id: defined(ids[i], 'id'), ...message })),
      people: [
        { id: ME, status: 'available', until: null },
        ...people.map((id) => ({ id, status: rng.pick(STATUSES), until: dayTime(rng) })),
      ],
    };
  },
};
