// The tokenizer.json of a Hugging Face model as the `tokenizer.*` entries of a GGUF file. Must not
// know how a tokenizer cuts a text.
// Source: get_vocab_base of convert_hf_to_gguf.py in ggml-org/llama.cpp; the JSON of
// huggingface/tokenizers.
import { GPT2_REGEX, SPLIT_RULES } from '../base/split-rules.ts';
import {
  boolEntry,
  type GgufEntry,
  i32sEntry,
  stringEntry,
  stringsEntry,
  u32Entry,
} from './gguf-values.ts';
import { badField, type Fields, isFields } from './json-file.ts';
import { shown } from './shown.ts';

export interface HfTokenizerParts {
  /** tokenizer.json. */
  readonly json: Fields;
  /** Its name, for messages. */
  readonly name: string;
  /** tokenizer_config.json; empty when there is none. */
  readonly config: Fields;
  /** The text of chat_template.jinja; null when there is none. */
  readonly template: string | null;
  /** Rows of the embedding. */
  readonly rows: number;
  /** Ids by other files that end a text, besides the one of `config`. */
  readonly eosIds: readonly number[];
  /** By config.json. */
  readonly bosId: number | null;
}

const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

/**
 * The `tokenizer.*` entries of a byte-level BPE tokenizer.
 * @throws {ModelFileError} for another kind of tokenizer, an unknown way of cutting, and lists that
 * do not fit the model.
 */
export function hfTokenizerEntries(parts: HfTokenizerParts): [string, GgufEntry][] {
  const { json, name, config } = parts;
  const model = json['model'];
  if (!isFields(model)) throw badField(name, 'model is not an object');
  checkKind(json, model, name);
  const { tokens, types } = readTokens(json, model, parts);
  const entries: [string, GgufEntry][] = [
    ['tokenizer.ggml.model', stringEntry('gpt2')],
    ['tokenizer.ggml.pre', stringEntry(preName(json, model, name))],
    ['tokenizer.ggml.tokens', stringsEntry(tokens)],
    ['tokenizer.ggml.token_type', i32sEntry(types)],
    ['tokenizer.ggml.merges', stringsEntry(readMerges(model, name))],
  ];
  const idOf = (key: string): number[] => {
    const text = tokenText(config[key]);
    const id = text === null ? -1 : tokens.indexOf(text);
    return id < 0 ? [] : [id];
  };
  const eosIds = [...new Set([...idOf('eos_token'), ...parts.eosIds])];
  const bosId = idOf('bos_token')[0] ?? parts.bosId;
  const bad = [...eosIds, bosId ?? 0].find((id) => id >= tokens.length);
  if (bad !== undefined) throw badField(name, `no token ${bad}, which the model ends or begins on`);
  const addId = (key: string, id: number | null | undefined): void => {
    if (typeof id === 'number') entries.push([`tokenizer.ggml.${key}_token_id`, u32Entry(id)]);
  };
  addId('eos', eosIds[0]);
  addId('bos', bosId);
  addId('padding', idOf('pad_token')[0]);
  if (eosIds.length > 1) entries.push(['pocket_atlas.eos_token_ids', i32sEntry(eosIds)]);
  const addBos = config['add_bos_token'];
  if (typeof addBos === 'boolean') {
    entries.push(['tokenizer.ggml.add_bos_token', boolEntry(addBos)]);
  }
  const template = parts.template ?? templateOf(config);
  if (template !== null) entries.push(['tokenizer.chat_template', stringEntry(template)]);
  return entries;
}

function checkKind(json: Fields, model: Fields, name: string): void {
  const type = model['type'] ?? 'BPE';
  if (type !== 'BPE') throw badField(name, `model.type is ${shown(type)}, need BPE`);
  for (const key of ['byte_fallback', 'continuing_subword_prefix', 'end_of_word_suffix']) {
    const value = model[key] ?? '';
    if (value !== '' && value !== false) {
      throw badField(name, `model.${key} is ${shown(value)}, need byte-level BPE without it`);
    }
  }
  const normalizer = json['normalizer'] ?? null;
  // NFC changes no text that keyboards or models write; llama.cpp leaves it out as well.
  if (normalizer === null || (isFields(normalizer) && normalizer['type'] === 'NFC')) return;
  const got = isFields(normalizer) ? normalizer['type'] : normalizer;
  throw badField(name, `normalizer is ${shown(got)}, need none or NFC`);
}

function readTokens(
  json: Fields,
  model: Fields,
  { name, rows }: HfTokenizerParts,
): { tokens: string[]; types: number[] } {
  const tokens = Array.from({ length: rows }, (_, id) => `[PAD${id}]`);
  const types = tokens.map(() => UNUSED);
  const place = (token: string, id: unknown, type: number): void => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= rows) {
      throw badField(name, `${shown(token)} has id ${shown(id)}, the embedding has ${rows} rows`);
    }
    if (types[id] !== UNUSED && tokens[id] !== token) {
      throw badField(name, `id ${id} is two tokens, ${shown(tokens[id])} and ${shown(token)}`);
    }
    tokens[id] = token;
    types[id] = type;
  };
  const vocab = model['vocab'];
  if (!isFields(vocab)) throw badField(name, 'model.vocab is not an object');
  for (const [token, id] of Object.entries(vocab)) place(token, id, NORMAL);
  const added = json['added_tokens'] ?? [];
  if (!Array.isArray(added)) throw badField(name, 'added_tokens is not a list');
  for (const item of added) {
    const content: unknown = isFields(item) ? item['content'] : undefined;
    if (!isFields(item) || typeof content !== 'string') {
      throw badField(name, 'added_tokens has an entry without content');
    }
    // llama.cpp's converter takes a text in <| |> for a control token, whatever the flag says.
    const control = item['special'] === true || /^<\|.*\|>$/s.test(content);
    place(content, item['id'], control ? CONTROL : USER_DEFINED);
  }
  return { tokens, types };
}

/** Merges are texts with a space in older files, pairs in newer ones. */
function readMerges(model: Fields, name: string): string[] {
  const merges = model['merges'];
  if (!Array.isArray(merges)) throw badField(name, 'model.merges is not a list');
  return merges.map((merge: unknown, i) => {
    const text = Array.isArray(merge) && merge.every(isText) ? merge.join(' ') : merge;
    if (isText(text) && /^[^ ]+ [^ ]+$/.test(text)) return text;
    throw badField(name, `model.merges: entry ${i} is ${shown(text)}, need two tokens`);
  });
}

function preName(json: Fields, model: Fields, name: string): string {
  const patterns = patternsOf(json['pre_tokenizer'], name);
  const ignoreMerges = model['ignore_merges'] === true;
  for (const [known, rule] of SPLIT_RULES) {
    if (rule.ignoreMerges !== ignoreMerges || rule.patterns.length !== patterns.length) continue;
    if (rule.patterns.every((pattern, i) => pattern === patterns[i])) return known;
  }
  throw badField(
    name,
    `pre_tokenizer cuts by ${shown(patterns.join(' then '))}` +
      `${ignoreMerges ? ' (ignore_merges)' : ''}, need that of ${[...SPLIT_RULES.keys()].join(', ')}`,
  );
}

/** The patterns of a pre-tokenizer's steps; the byte alphabet itself is no pattern. */
function patternsOf(step: unknown, name: string): string[] {
  if (!isFields(step)) throw badField(name, 'pre_tokenizer is not an object');
  const { type, pretokenizers, pattern, behavior, invert } = step;
  if (type === 'Sequence' && Array.isArray(pretokenizers)) {
    return pretokenizers.flatMap((item) => {
      if (isFields(item) && item['type'] !== 'Sequence') return patternsOf(item, name);
      throw badField(name, 'pre_tokenizer has a sequence inside a sequence');
    });
  }
  if (type === 'ByteLevel' && step['add_prefix_space'] !== true) {
    return step['use_regex'] === false ? [] : [GPT2_REGEX];
  }
  if (type === 'Digits' && step['individual_digits'] === true) return ['\\p{N}'];
  if (type === 'Split' && behavior === 'Isolated' && invert !== true && isFields(pattern)) {
    const regex = pattern['Regex'];
    if (isText(regex)) return [regex];
  }
  throw badField(name, `pre_tokenizer has the step ${shown(type)} in a form that is not supported`);
}

/** A token's text: a text itself, or the content of an object; null for anything else. */
function tokenText(value: unknown): string | null {
  const text = isFields(value) ? value['content'] : value;
  return isText(text) ? text : null;
}

/** The only template, or the one that is called default. */
function templateOf(config: Fields): string | null {
  const value = config['chat_template'];
  if (!Array.isArray(value)) return isText(value) ? value : null;
  const named = value.filter(isFields).find((item) => item['name'] === 'default');
  return isText(named?.['template']) ? named['template'] : null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
