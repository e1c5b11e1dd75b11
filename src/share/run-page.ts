// A run as one HTML file that stands alone: a summary, curves, and every trajectory. No script, no request: the file's
// own policy (CSP) allows its style sheet and nothing else, so that hostile text in it could do nothing even if it became
// mark-up. Must not know where the run lies.
import type { Json, JsonObject } from '../trajectory/json.ts';
import type { Trace } from '../trajectory/trace.ts';
import { type CurvePoint, curve, shortNumber } from './curve.ts';
import { type Html, html } from './html.ts';
import { traceHtml } from './trace-html.ts';

export interface RunPage {
  readonly name: string;
  /** Null when the run does not say what it is of. */
  readonly experiment: JsonObject | null;
  /** Lines of `metrics.jsonl`, of training or of pretraining. */
  readonly metrics: readonly JsonObject[];
  readonly trajectories: AsyncIterable<Trace>;
}

/** What is drawn, where a run has it. */
const CURVES: readonly { key: string; label: string; range?: readonly [number, number] }[] = [
  { key: 'success', label: 'Success', range: [0, 1] },
  { key: 'reward', label: 'Reward' },
  { key: 'loss', label: 'Loss' },
  { key: 'entropy', label: 'Entropy' },
  { key: 'kl', label: 'KL to the start' },
  { key: 'gradNorm', label: 'Gradient norm' },
];

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
.quiet { opacity: .7; }
.curves { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; flex: 1 1 20rem; max-width: 30rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dd { margin: 0; }
summary { cursor: pointer; }
.trace { border-top: 1px solid #8884; padding: .4rem 0; content-visibility: auto; contain-intrinsic-size: auto 2.4rem; }
.trace > summary { overflow-wrap: anywhere; }
.mark { border: 1px solid; border-radius: .6rem; padding: 0 .5rem; font-size: .8rem; }
.good { color: #17693b; } .bad { color: #a8251d; }
.message { margin: .5rem 0; padding: .4rem .7rem; border-left: 3px solid #8886; }
.assistant { border-color: #0a7a6e; } .tool { border-color: #b4690e; }
.text, pre { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; font: .85rem/1.45 ui-monospace, monospace; }
table { border-collapse: collapse; font-size: .85rem; } td, th { text-align: left; padding: .15rem .6rem .15rem 0; vertical-align: top; }
@media (prefers-color-scheme: dark) { .good { color: #74d39b; } .bad { color: #f59a90; } }
`;

async function policy(): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(STYLE));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
}

/** The file in pieces, to be joined in order. Equal runs give equal files. */
export async function* runPage(page: RunPage): AsyncGenerator<string, void, void> {
  const { name, experiment, metrics } = page;
  const csp = await policy();
  yield `${
    html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${csp}">
<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">
<title>${name}</title><style>`.text
  }${STYLE}${
    html`</style></head><body>
<h1>${name}</h1>
${summaryHtml(experiment, metrics)}
${curvesHtml(metrics)}
${experiment === null ? [] : html`<details><summary>Experiment</summary><pre>${JSON.stringify(experiment, null, 2)}</pre></details>`}
<h2>Trajectories</h2>
`.text
  }`;
  let count = 0;
  for await (const trace of page.trajectories) {
    count += 1;
    yield traceHtml(trace).text;
  }
  yield html`<p class="quiet">${count} trajectories. Made by Pocket Atlas.</p></body></html>
`.text;
}

function summaryHtml(experiment: JsonObject | null, metrics: readonly JsonObject[]): Html {
  const rows: [string, string][] = [];
  const add = (label: string, value: Json | undefined): void => {
    if (typeof value === 'string' || typeof value === 'number') rows.push([label, String(value)]);
  };
  add('Model', experiment?.['model']);
  add('Mode', experiment?.['mode']);
  add('Seed', experiment?.['seed']);
  add('Steps', metrics.length);
  for (const { key, label } of CURVES) {
    const points = pointsOf(metrics, key);
    const [first, last] = [points[0], points.at(-1)];
    if (first === undefined || last === undefined) continue;
    rows.push([
      label,
      `${shortNumber(first.value)} at step ${first.step}, ${shortNumber(last.value)} at step ${last.step}`,
    ]);
  }
  return html`<dl>${rows.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>`;
}

function curvesHtml(metrics: readonly JsonObject[]): Html {
  const figures = CURVES.flatMap(({ key, label, range }) => {
    const points = pointsOf(metrics, key);
    // A number that never moved is in the summary.
    if (new Set(points.map(({ value }) => value)).size < 2) return [];
    return [html`<figure><figcaption>${label}</figcaption>${curve(label, points, range)}</figure>`];
  });
  return html`<div class="curves">${figures}</div>`;
}

/** Where a number is known. */
function pointsOf(metrics: readonly JsonObject[], key: string): CurvePoint[] {
  return metrics.flatMap(({ step, [key]: value }) =>
    typeof step === 'number' && typeof value === 'number' ? [{ step, value }] : [],
  );
}
