// A trajectory as HTML to read: what was asked, every message, the scores. All of it is text that strangers wrote, so
// every string goes through `html`. Must not know the page round it.
import type { Criterion } from '../trajectory/rubric.ts';
import type { Message, Trace } from '../trajectory/trace.ts';
import { shortNumber } from './curve.ts';
import { type Html, html } from './html.ts';

const ROLES: Readonly<Record<Message['role'], string>> = {
  system: 'System',
  user: 'Request',
  assistant: 'Model',
  tool: 'Tool',
};
const ENDS: Readonly<Record<Trace['end'], string>> = {
  answer: 'answered',
  calls: 'out of calls',
  context: 'out of context',
  length: 'a turn too long',
  error: 'failed by itself',
  cancel: 'cancelled',
};

/** A trajectory, closed until it is clicked. */
export function traceHtml(trace: Trace): Html {
  const { id, task, mode, policy, seed, temperature, calls, end, error, contextTokens } = trace;
  const facts = [
    `${mode}, ${policy}, seed ${seed}, temperature ${shortNumber(temperature)}`,
    `${calls.length} calls, ${contextTokens} tokens, ${ENDS[end]}`,
  ];
  const failed = error === null ? [] : [html`<p class="bad">${error}</p>`];
  return html`<details class="trace"><summary>${verdict(trace)} <span class="quiet">${id}</span> ${task.prompt}</summary>
<p class="quiet">${facts.join('; ')}.</p>${failed}
${trace.messages.map(messageHtml)}
${scoresHtml(trace)}</details>
`;
}

function verdict({ success, scores }: Trace): Html {
  const reward = scores?.reward ?? null;
  const shown = reward === null ? '' : ` ${shortNumber(reward)}`;
  if (success === null) return html`<span class="mark">not scored${shown}</span>`;
  return success
    ? html`<span class="mark good">solved${shown}</span>`
    : html`<span class="mark bad">not solved${shown}</span>`;
}

function messageHtml({ role, content }: Message): Html {
  return html`<div class="message ${role}"><b>${ROLES[role]}</b><div class="text">${content}</div></div>
`;
}

function scoresHtml({ task, scores }: Trace): Html {
  if (scores === null) return html``;
  const row = ({ category, description, weight }: Criterion, i: number): Html => {
    const score = scores.criteria[i] ?? null;
    return html`<tr><td>${category}</td><td>${description}</td><td>${weight}</td><td>${score === null ? '–' : shortNumber(score)}</td></tr>`;
  };
  return html`<details><summary>Scores</summary><table><thead><tr><th>Category</th><th>Criterion</th><th>Weight</th><th>Score</th></tr></thead><tbody>${task.rubric.criteria.map(row)}</tbody></table></details>`;
}
