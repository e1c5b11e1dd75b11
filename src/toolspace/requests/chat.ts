// Requests to the team chat. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, changing, numberOf, rowsOf, textOf } from '../parts.ts';
import {
  type Channel,
  type ChatMessage,
  type ChatState,
  chatTopic,
  REACTIONS,
  STATUSES,
} from '../servers/chat.ts';
import { dayTime } from '../values.ts';
import { firstIn, quoted } from './office-rows.ts';

const stateOf = (draft: Draft) => draft.state<ChatState>('chat');
const takeChannel = (draft: Draft) => draft.take(stateOf(draft).channels);

/** What a message of the world's own is about: the two words after its article. */
function subjectOf({ text }: ChatMessage): string {
  return text.split(' ').slice(1, 3).join(' ');
}

/** An unused message that only its own words lead to. */
function takeMessage(draft: Draft, fits: (message: ChatMessage) => boolean = () => true): string {
  const { messages } = stateOf(draft);
  const told = messages.filter((message) => message.author !== 'me' && fits(message));
  const subject = subjectOf(draft.take(told));
  const alike = messages.filter(({ text }) => text.toLowerCase().includes(subject));
  if (alike.length !== 1) throw new Rejected(`'${subject}' leads to ${alike.length} messages`);
  return subject;
}

/** The id of the only message with these words, by a call. */
function messageAbout(draft: Draft, subject: string): string {
  return textOf(firstIn(draft.call('chat:search_messages', { query: subject })), 'id');
}

/** A text to post that no message has. */
function newText(draft: Draft): string {
  const { messages, channels } = stateOf(draft);
  const known = [...messages.map(({ text }) => text), ...channels.map(({ topic }) => topic)];
  let topic = chatTopic(draft.rng, draft.pool);
  while (known.some((text) => text.includes(topic))) topic = chatTopic(draft.rng, draft.pool);
  return draft.fresh(`${topic} ${draft.rng.pick(['can wait', 'is on', 'is off', 'is my job'])}`);
}

/** The channel as it is read by its name, which may be misspelled in the request. */
function readChannel(draft: Draft, { id }: Channel) {
  const spelled = draft.spelled(id);
  return { found: draft.find('chat:get_channel', 'channel', spelled, id), shown: quoted(spelled) };
}

export const CHAT_REQUESTS: readonly Family[] = [
  {
    name: 'chat_author',
    tools: ['chat:search_messages'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who [wrote|posted] the [chat |]message about {subject}?',
        '[Tell me|Find out|Look up] who [wrote|posted] about {subject} in the chat.',
        'Who is the author of the chat message about {subject}?',
        'Search the chat for {subject}: who wrote that?',
      ],
      heldOut: [
        'Name the person who mentioned {subject} in the chat.',
        'In the chat somebody had something to say about {subject}; who was it?',
      ],
    },
    draw(draft) {
      const subject = takeMessage(draft);
      const found = draft.call('chat:search_messages', { query: subject });
      const author = textOf(firstIn(found), 'author');
      return {
        ...asking({ subject: quoted(subject) }, [author], `who wrote about '${subject}'`),
        gives: author,
      };
    },
  },
  {
    name: 'chat_pin',
    tools: ['chat:search_messages', 'chat:pin_message'],
    byName: false,
    phrasings: {
      train: [
        'Pin the [chat |]message about {subject}.',
        '[Find|Look for] the [chat |]message about {subject} and pin it.',
        'The chat message about {subject} is important, [pin it|please pin it].',
      ],
      heldOut: [
        'What was written in the chat about {subject} should be pinned.',
        'Search the chat for {subject} and fix that message to its channel with a pin.',
      ],
    },
    draw(draft) {
      const subject = takeMessage(draft, ({ pinned }) => !pinned);
      const id = messageAbout(draft, subject);
      draft.call('chat:pin_message', { id });
      return changing({ subject: quoted(subject) }, `the message about '${subject}' is pinned`, [
        stateIs('chat', ['messages', { id }, 'pinned'], true),
      ]);
    },
  },
  {
    name: 'chat_react',
    tools: ['chat:search_messages', 'chat:add_reaction'],
    byName: false,
    phrasings: {
      train: [
        '[React|Respond] to the [chat |]message about {subject} with the {emoji} reaction.',
        '[Put the {emoji} reaction on|Add the {emoji} reaction to] the [chat |]message about {subject}.',
        'Find the chat message about {subject} and [give it|add] the {emoji} reaction.',
      ],
      heldOut: [
        'The chat message about {subject} should get the {emoji} reaction from me.',
        'For what was written in the chat about {subject}, leave the {emoji} reaction.',
      ],
    },
    draw(draft) {
      const subject = takeMessage(draft);
      const emoji = draft.rng.pick(REACTIONS);
      const id = messageAbout(draft, subject);
      draft.call('chat:add_reaction', { id, emoji });
      const path = ['messages', { id }, 'reactions', { emoji }, 'people'];
      return changing(
        { subject: quoted(subject), emoji },
        `the message about '${subject}' has my reaction ${emoji}`,
        [stateIs('chat', path, ['me'])],
      );
    },
  },
  {
    name: 'chat_post',
    tools: ['chat:post_message'],
    byName: false,
    takes: 'text',
    phrasings: {
      train: [
        '[Post {text} in|Write {text} in|Send {text} to] the channel {channel}.',
        'Tell the channel {channel} this: {text}.',
        'Post a message in the [chat |]channel {channel} [that says|with the text] {text}.',
      ],
      heldOut: [
        'From me, the channel {channel} should get the message {text}.',
        'Let the members of the channel {channel} know {text} by a message there.',
      ],
    },
    draw(draft) {
      const { value: text, shown } = draft.given('text', () => newText(draft));
      const { id: channel } = takeChannel(draft);
      draft.call('chat:post_message', { channel, text });
      const path = ['messages', { channel, author: 'me' }, 'text'];
      return changing({ channel: quoted(channel), text: shown }, `${channel} has '${text}'`, [
        stateIs('chat', path, text),
      ]);
    },
  },
  {
    name: 'chat_add_member',
    tools: ['chat:add_member'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        '[Add|Invite|Bring] {who} to the [chat |]channel {channel}.',
        '[Make {who} a member of|Let {who} join] the channel {channel}.',
        'Put {who} [in|into] the [chat |]channel {channel}.',
      ],
      heldOut: [
        'The channel {channel} needs {who} as a member.',
        'From today {who} should be able to read along in the channel {channel}; add the member.',
      ],
    },
    draw(draft) {
      const { value: member, shown } = draft.given('person', () => draft.person());
      const open = stateOf(draft).channels.filter(({ members }) => !members.includes(member));
      const { id: channel, members } = draft.take(open);
      draft.call('chat:add_member', { channel, member });
      return changing({ channel: quoted(channel), who: shown }, `${member} is in ${channel}`, [
        stateIs('chat', ['channels', { id: channel }, 'members'], [...members, member]),
      ]);
    },
  },
  {
    name: 'chat_size',
    tools: ['chat:get_channel'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many [members|people] are in the [chat |]channel {channel}?',
        '[Tell me|Find out|Look up] [how many people are in|the number of members of] the channel {channel}.',
        'What is the number of members [of|in] the [chat |]channel {channel}?',
      ],
      heldOut: [
        'Count the members of the channel {channel}.',
        'The channel {channel} reaches how many members?',
      ],
    },
    draw(draft) {
      const channel = takeChannel(draft);
      const { found, shown } = readChannel(draft, channel);
      const size = numberOf(found, 'member_count');
      return {
        ...asking({ channel: shown }, [size], `how many members ${channel.id} has`),
        gives: size,
      };
    },
  },
  {
    name: 'chat_owner_until',
    tools: ['chat:get_channel', 'chat:get_status'],
    byName: true,
    gives: 'time',
    phrasings: {
      train: [
        'Which status does the owner of the channel {channel} have, and until what time?',
        '[Tell me|Find out|Look up] the status of the owner of the [chat |]channel {channel} and until what time it holds.',
        'What status is shown for the owner of the [chat |]channel {channel}, and until when?',
      ],
      heldOut: [
        'Name the status, with its end, of whoever owns the channel {channel}.',
        'Look at the owner of the channel {channel}: what is the status there, and when does it end?',
      ],
    },
    draw(draft) {
      const channel = takeChannel(draft);
      const { found, shown } = readChannel(draft, channel);
      const owner = textOf(found, 'owner');
      const held = draft.call('chat:get_status', { person: owner });
      const until = textOf(held, 'until');
      const asked = [textOf(held, 'status'), until];
      return {
        ...asking({ channel: shown }, asked, `status of the owner of ${channel.id}, and its end`),
        gives: until,
      };
    },
  },
  {
    name: 'chat_set_status',
    tools: ['chat:set_status'],
    byName: false,
    takes: 'time',
    phrasings: {
      train: [
        '[Set|Change] my [chat |]status to {status} until {time}.',
        '[Show|Mark|List] me as {status} in the chat until {time}.',
        'I am {status} until {time}, [set my chat status|show that in the chat].',
      ],
      heldOut: [
        'Until {time} the chat should say that I am {status}.',
        'Let people in the chat see me as {status} until {time}.',
      ],
    },
    draw(draft) {
      draft.claim('my status');
      const status = draft.rng.pick(STATUSES);
      const { value: until, shown } = draft.given('time', () => dayTime(draft.rng));
      draft.call('chat:set_status', { status, until });
      return changing({ status, time: shown }, `my status is ${status} until ${until}`, [
        stateIs('chat', ['people', { id: 'me' }], { id: 'me', status, until }),
      ]);
    },
  },
  {
    name: 'chat_latest_on',
    tools: ['chat:list_channels', 'chat:search_messages'],
    byName: false,
    gives: 'text',
    phrasings: {
      train: [
        'What does the [latest|newest|last] message in the channel with the topic {topic} say?',
        '[Find|Look up] the channel with the topic {topic} and [tell|give] me the text of its [latest|newest] message.',
        'In the channel whose topic is {topic}, what was [posted|written] last?',
      ],
      heldOut: [
        'One channel has the topic {topic}; quote its most recent message.',
        'I want to read the last thing that was said in the channel with {topic} as its topic.',
      ],
    },
    draw(draft) {
      const { id, topic } = takeChannel(draft);
      const rows = rowsOf(draft.call('chat:list_channels', {}), 'channels');
      const row = rows.find((item) => item['topic'] === topic);
      const channel = textOf(defined(row, topic), 'name');
      const found = draft.call('chat:search_messages', { filter: { channel } });
      const text = textOf(firstIn(found), 'text');
      return {
        ...asking({ topic: quoted(topic) }, [text], `the latest message in ${id}`),
        gives: text,
      };
    },
  },
];
