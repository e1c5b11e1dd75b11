// The page of a run in a browser's own parser: hostile text stays text, and the page's policy holds.
import { afterEach, describe, expect, it } from 'vitest';
import { runPage } from '../../src/share/run-page.ts';
import type { Trace } from '../../src/trajectory/trace.ts';
import { HOSTILE_TEXTS, hostileTrace } from '../support/hostile.ts';

async function* one(trace: Trace): AsyncGenerator<Trace, void, void> {
  yield trace;
}

async function pageOf(text: string): Promise<string> {
  const metrics = [0, 1].map((step) => ({ step, loss: step, [text]: text }));
  const experiment = { name: text, model: text, [text]: text };
  const trajectories = one(hostileTrace(text));
  let page = '';
  for await (const piece of runPage({ name: text, experiment, metrics, trajectories }))
    page += piece;
  return page;
}

function parsed(page: string): Document {
  return new DOMParser().parseFromString(page, 'text/html');
}

/** Every element with the names of its attributes, in order. */
function skeleton(document: Document): string[] {
  return [...document.querySelectorAll('*')].map(
    ({ tagName, attributes }) => `${tagName} ${[...attributes].map(({ name }) => name).join()}`,
  );
}

afterEach(() => {
  for (const frame of document.querySelectorAll('iframe')) frame.remove();
});

describe.each(HOSTILE_TEXTS)('%j', (text) => {
  it('is text: the same elements and attributes as a harmless one', async () => {
    const page = parsed(await pageOf(text));
    expect(skeleton(page)).toEqual(skeleton(parsed(await pageOf('harmless'))));
    expect(page.title).toBe(text.trim().replace(/\s+/g, ' '));
    const messages = [...page.querySelectorAll('.message .text')].map(
      (element) => element.textContent,
    );
    expect(messages).toEqual([text, text, text, text]);
    expect(page.querySelector('.trace > .bad')?.textContent).toBe(text);
  });
});

describe('opened in a frame', () => {
  it('shows its style, and its policy lets no script, image or form through', async () => {
    const page = await pageOf('plain');
    // What an escape that failed would let in.
    const hostile = '<script>parent.postMessage("ran", "*")</script><img src="/favicon.ico">';
    const frame = document.createElement('iframe');
    let ran = false;
    const onMessage = ({ data }: MessageEvent): void => {
      ran ||= data === 'ran';
    };
    window.addEventListener('message', onMessage);
    frame.srcdoc = page.replace('</body>', `${hostile}</body>`);
    const loaded = new Promise((resolve) =>
      frame.addEventListener('load', resolve, { once: true }),
    );
    document.body.append(frame);
    await loaded;
    const inner = frame.contentDocument;
    const image = inner?.querySelector('img');
    expect(image?.naturalWidth).toBe(0);
    expect(inner?.querySelector('script')).not.toBeNull();
    expect(ran).toBe(false);
    const mark = inner?.querySelector('.mark');
    // 0.8rem of 16 pixels, by the page's own style sheet.
    expect(mark && getComputedStyle(mark).fontSize).toBe('12.8px');
    window.removeEventListener('message', onMessage);
  });
});
