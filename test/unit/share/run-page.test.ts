import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { curve } from '../../../src/share/curve.ts';
import { escapeHtml, html } from '../../../src/share/html.ts';
import { type RunPage, runPage } from '../../../src/share/run-page.ts';
import type { Trace } from '../../../src/trajectory/trace.ts';
import { HOSTILE_TEXTS, hostileTrace } from '../../support/hostile.ts';
import { traceWith } from '../../support/traces.ts';

async function* listed(traces: readonly Trace[]): AsyncGenerator<Trace, void, void> {
  yield* traces;
}

async function pageOf(page: Partial<RunPage>): Promise<string> {
  let text = '';
  const empty = { name: 'a run', experiment: null, metrics: [], trajectories: listed([]) };
  for await (const piece of runPage({ ...empty, ...page })) text += piece;
  return text;
}

const tagsOf = (page: string) => (page.match(/<\/?[a-zA-Z!][^\s>/]*/g) ?? []).join(' ');

describe('html', () => {
  it('escapes strings and leaves pieces of HTML alone', () => {
    const inner = html`<b title="${'"><i>'}">${'<&>'}</b>`;
    expect(html`<p>${inner}${[inner]}${3}</p>`.text).toBe(
      `<p>${'<b title="&quot;&gt;&lt;i&gt;">&lt;&amp;&gt;</b>'.repeat(2)}3</p>`,
    );
  });

  it('names characters that cannot be seen or that turn text about', () => {
    expect(escapeHtml('a\u0000b\u202ec\u2066d\ufeff')).toBe('a[U+0000]b[U+202E]c[U+2066]d[U+FEFF]');
    expect(escapeHtml('a\r\nb\tc\u00e4\u{1f600}')).toBe('a\nb\tc\u00e4\u{1f600}');
    expect(escapeHtml('a\ud800b')).toBe('a\ufffdb');
  });
});

describe('the page of a run', () => {
  const metrics = [0, 1, 2].map((step) => ({
    step,
    loss: 2 - step / 2,
    reward: 0.25 + step / 4,
    success: step === 1 ? null : step / 4,
    kl: 0,
  }));

  it('draws what moved, and tells the first and the last of each number', async () => {
    const page = await pageOf({ metrics, experiment: { model: 'rookie', seed: 7, mode: 'itl' } });
    expect(page).toContain('<dt>Reward</dt><dd>0.25 at step 0, 0.75 at step 2</dd>');
    expect(page).toContain('<dt>Success</dt><dd>0 at step 0, 0.5 at step 2</dd>');
    expect(page).toContain('<dt>KL to the start</dt><dd>0 at step 0, 0 at step 2</dd>');
    expect(page).toContain('<dt>Model</dt><dd>rookie</dd>');
    // Success, reward and loss moved; KL did not, entropy is not there.
    expect(page.match(/<svg /g)?.length).toBe(3);
    expect(page.match(/<figcaption>[^<]+/g)).toEqual([
      '<figcaption>Success',
      '<figcaption>Reward',
      '<figcaption>Loss',
    ]);
  });

  it('puts points where their numbers say', () => {
    // x: 56 + (step / 2) 350; y: 12 + ((4 - value) / 4) 142.
    const points = [0, 1, 2].map((step) => ({ step, value: [0, 4, 1][step] ?? 0 }));
    expect(curve('Loss', points, [0, 4]).text).toContain(
      'points="56.0,154.0 231.0,12.0 406.0,118.5"',
    );
    // Values from 1 to 1 get a span of their own.
    expect(curve('Loss', [{ step: 3, value: 1 }]).text).toContain('points="56.0,83.0"');
  });

  it('allows its own style sheet and nothing else', async () => {
    const page = await pageOf({});
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    const csp = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    expect(csp).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`.replaceAll(
        "'",
        '&#39;',
      ),
    );
    expect(style.length).toBeGreaterThan(100);
    // Nothing that would load, run or send: neither elements nor addresses.
    expect(page).not.toMatch(
      /<(script|link|img|iframe|form|object|a)\b|https?:|url\(| style=| on\w+=/,
    );
  });

  it.each(HOSTILE_TEXTS)('holds %j as text: the tags are those of a harmless one', async (text) => {
    const with_ = (own: string) =>
      pageOf({
        name: own,
        experiment: { name: own, model: own, mode: own, [own]: own },
        metrics: [{ ...metrics[0], [own]: own }],
        trajectories: listed([hostileTrace(own), hostileTrace(own)]),
      });
    const page = await with_(text);
    expect(tagsOf(page)).toBe(tagsOf(await with_('harmless')));
    expect(page).toContain('2 trajectories');
    expect(page).toContain(`<div class="text">${escapeHtml(text)}</div>`);
  });

  it('tells what came of each trajectory', async () => {
    const base = traceWith([]);
    const scores = hostileTrace('x').scores;
    const traces = [{ ...base, success: true, scores }, { ...base, success: false, scores }, base];
    const page = await pageOf({ trajectories: listed(traces) });
    expect(page.match(/<span class="mark[^<]*/g)).toEqual([
      '<span class="mark good">solved 0.25',
      '<span class="mark bad">not solved 0.25',
      '<span class="mark">not scored',
    ]);
    expect(page).toContain('<td>taskFulfilment 0</td><td>1</td><td>–</td>');
    expect(await pageOf({ trajectories: listed(traces) })).toBe(page);
  });
});
