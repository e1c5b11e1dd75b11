// One turn of an episode: its thinking, its calls with their results, its answer. All text is untrusted and stays text.
import type { Json } from '../../trajectory/json.ts';
import { CODE_INTERPRETER, type ToolResult } from '../../trajectory/tool.ts';
import { type CallShown, partialParts, type TurnShown } from '../logic/turns.ts';
import { Badge } from './small.tsx';

/** Longer thinking starts folded. */
const LONG_THINKING = 240;

export function Turn({ turn, number }: { turn: TurnShown; number: number }) {
  const parts = turn.partial === null ? null : partialParts(turn.partial);
  const thinking = parts?.thinking ?? turn.thinking;
  const answer = parts?.answer ?? turn.answer;
  return (
    <li class={`turn${parts === null ? '' : ' turn-live'}`}>
      <span class="turn-number" aria-hidden="true">
        {number}
      </span>
      <div class="turn-body">
        <h3 class="visually-hidden">Turn {number}</h3>
        {thinking === '' ? null : <Thinking text={thinking} />}
        {parts !== null && parts.call !== '' ? <pre class="writing">{parts.call}</pre> : null}
        {turn.calls.map((call, i) => (
          <Call key={`${i}-${call.name}`} call={call} />
        ))}
        {answer === null || (parts !== null && answer === '') ? null : <Answer text={answer} />}
        {isSilent(turn) ? <p class="quiet">This turn has no readable action.</p> : null}
      </div>
    </li>
  );
}

function isSilent({ partial, thinking, calls, answer }: TurnShown): boolean {
  return partial === null && thinking === '' && calls.length === 0 && answer === null;
}

function Thinking({ text }: { text: string }) {
  if (text.length <= LONG_THINKING) {
    return (
      <p class="thinking">
        <span class="kind">thinks</span> {text}
      </p>
    );
  }
  return (
    <details class="thinking">
      <summary>
        <span class="kind">thinks</span> {text.slice(0, 120)}…
      </summary>
      <p>{text}</p>
    </details>
  );
}

function Answer({ text }: { text: string }) {
  return (
    <p class="answer">
      <span class="kind">answers</span> {text === '' ? <em>nothing</em> : <strong>{text}</strong>}
    </p>
  );
}

function Call({ call }: { call: CallShown }) {
  const { server, name, meta, result } = call;
  const args = Object.entries(call.arguments);
  return (
    <section class={`call${meta ? ' call-meta' : ''}${call.inProgram ? ' call-inner' : ''}`}>
      <header class="call-head">
        <span class="kind">{kindOf(call)}</span>
        <code class="call-name">
          {server === null ? null : <span class="call-server">{server}:</span>}
          {name === '' ? 'unreadable call' : name}
        </code>
        <Status result={result} />
      </header>
      {args.length === 0 ? null : (
        <table class="arguments">
          <caption class="visually-hidden">Arguments of {name}</caption>
          <tbody>
            {args.map(([key, value]) => (
              <tr key={key}>
                <th scope="row">{key}</th>
                <td>
                  {name === CODE_INTERPRETER ? <pre>{valueText(value)}</pre> : valueText(value)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {result === null ? null : (
        <pre class={`result${result.isError ? ' result-error' : ''}`}>{result.text}</pre>
      )}
    </section>
  );
}

function kindOf({ name, meta, inProgram }: CallShown): string {
  if (name === CODE_INTERPRETER) return 'runs';
  if (meta) return inProgram ? 'reads' : 'loads';
  return 'calls';
}

function Status({ result }: { result: ToolResult | null }) {
  if (result === null) return <Badge>waiting</Badge>;
  return (
    <span class="call-status">
      {result.isError ? <Badge tone="bad">error</Badge> : <Badge tone="good">ok</Badge>}
      {result.tier === 'live' ? null : <Badge>{result.tier} cache</Badge>}
    </span>
  );
}

function valueText(value: Json): string {
  if (typeof value === 'string') return value;
  const names = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return names ? value.join(', ') : JSON.stringify(value);
}
