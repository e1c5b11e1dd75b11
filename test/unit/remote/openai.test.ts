import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError, JudgeError, ProtocolError } from '../../../src/base/errors.ts';
import { openAiJudge, openAiPolicy } from '../../../src/remote/openai.ts';
import { someTask, traceWith } from '../../support/traces.ts';

const KEY = 'sk-secret-123';
let server: Server;
let baseUrl = '';
let reply: (body: string, key: string) => { status?: number; text: string };
const seen: { url: string; key: string; body: string }[] = [];

const saying = (content: string) => () => ({
  text: JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }),
});

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const key = request.headers.authorization ?? '';
      seen.push({ url: request.url ?? '', key, body });
      const { status = 200, text } = reply(body, key);
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  baseUrl = `http://127.0.0.1:${address.port}/v1`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const options = () => ({ baseUrl, model: 'm', apiKey: KEY });
const ask = () =>
  openAiPolicy(options()).reply(
    [
      { role: 'user', content: 'hi' },
      { role: 'tool', content: '{"id":1}' },
    ],
    { seed: 4, temperature: 0.5 },
  );

describe('a policy behind an endpoint', () => {
  test('sends messages, seed and key, and returns the text', async () => {
    reply = saying('<answer>1</answer>');
    expect(await ask()).toBe('<answer>1</answer>');
    const last = seen.at(-1);
    expect([last?.url, last?.key]).toEqual(['/v1/chat/completions', `Bearer ${KEY}`]);
    expect(JSON.parse(last?.body ?? '')).toEqual({
      model: 'm',
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'user', content: '<tool_response>\n{"id":1}\n</tool_response>' },
      ],
      temperature: 0.5,
      seed: 4,
    });
  });

  test.each([
    ['an echoed key', (_: string, key: string) => ({ status: 401, text: `bad ${key}` }), /401/],
    ['a key at the cut', () => ({ status: 500, text: 'x'.repeat(195) + KEY }), /500/],
    ['no JSON', () => ({ text: 'hello' }), /need choices/],
    ['no choices', () => ({ text: '{"choices":[]}' }), /need choices/],
  ])('%s is a typed error without the key', async (_, answer, wanted) => {
    reply = answer;
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProtocolError);
    const text = error instanceof Error ? error.message : '';
    expect(text).toMatch(wanted);
    expect(text).not.toContain('sk-se');
  });

  test('nobody there, and a URL that is none', async () => {
    const dead = openAiPolicy({ baseUrl: 'http://127.0.0.1:9/v1', model: 'm' });
    await expect(dead.reply([], { seed: 1, temperature: 0 })).rejects.toThrow(/no reply/);
    const withPassword = 'http://me:pass@host/v1';
    for (const bad of ['nano', 'ftp://x/v1', withPassword]) {
      expect(() => openAiPolicy({ baseUrl: bad, model: 'm' })).toThrow(InputError);
    }
  });
});

describe('a judge behind an endpoint', () => {
  const trace = traceWith([]);
  const [criterion] = someTask().rubric.criteria;
  const judge = () => {
    if (!criterion) throw new Error('the rubric has criteria');
    return openAiJudge(options()).score(trace, criterion);
  };

  test('reads a score or null', async () => {
    reply = saying('<score>0.75</score>');
    expect(await judge()).toBe(0.75);
    expect(seen.at(-1)?.body).toContain('taskFulfilment 0');
    reply = saying('<score>null</score>');
    expect(await judge()).toBeNull();
  });

  test.each(['7', '<score>1.5</score>', 'good'])('refuses %s', async (text) => {
    reply = saying(text);
    await expect(judge()).rejects.toThrow(JudgeError);
  });
});
