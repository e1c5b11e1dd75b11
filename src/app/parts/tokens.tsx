// A trajectory token by token: what the policy sampled, how likely each token was, and what it was only shown.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Segment } from '../../trajectory/trace.ts';
import type { TraceView } from '../../workers/client.ts';

interface Spot {
  segment: number;
  token: number;
}

/** Shades of doubt: tokens with a probability below each bound, least likely last. */
const BOUNDS = [0.9, 0.5, 0.1] as const;

export function Tokens({ view }: { view: TraceView }) {
  const [spot, setSpot] = useState<Spot | null>(null);
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = host.current;
    // One listener for all tokens; the buttons below do the same from the keyboard.
    const point = (event: MouseEvent): void => setSpot((before) => spotOf(event.target) ?? before);
    box?.addEventListener('mouseover', point);
    return () => box?.removeEventListener('mouseover', point);
  }, []);
  const { trace, tokenTexts } = view;
  if (tokenTexts === null) {
    return (
      <p class="quiet">
        These tokens belong to a model that is not loaded. Load it to see the trajectory token by
        token.
      </p>
    );
  }
  const sampled = trace.segments.filter((segment) => segment.sampled);
  const trained = sampled.reduce((sum, { ids }) => sum + ids.length, 0);
  return (
    <div class="tokens">
      <p class="tokens-legend">
        <span class="token token-sampled">sampled</span>
        <span class="token token-sampled token-doubt-3">sampled, unlikely</span>
        <span class="token token-given">only shown to the model</span>
        <span>
          {trained} of {trace.contextTokens} tokens would be trained
        </span>
      </p>
      <div class="token-flow" ref={host}>
        {trace.segments.map((segment, s) => (
          <SegmentTokens
            key={`${s}-${segment.role}`}
            segment={segment}
            texts={tokenTexts[s] ?? []}
            index={s}
            spot={spot?.segment === s ? spot.token : null}
          />
        ))}
      </div>
      <div class="token-readout">
        <button
          type="button"
          class="button button-quiet"
          aria-label="Token before"
          onClick={() => setSpot(moved(trace.segments, spot, -1))}
        >
          ‹
        </button>
        <button
          type="button"
          class="button button-quiet"
          aria-label="Next token"
          onClick={() => setSpot(moved(trace.segments, spot, 1))}
        >
          ›
        </button>
        <p aria-live="polite">
          {spot === null ? 'Point at a token.' : readout(view, tokenTexts, spot)}
        </p>
      </div>
    </div>
  );
}

function SegmentTokens(props: {
  segment: Segment;
  texts: readonly string[];
  index: number;
  spot: number | null;
}) {
  const { segment, texts, index, spot } = props;
  return (
    <>
      {texts.map((text, t) => {
        const kind = segment.sampled ? `token-sampled ${doubt(segment, t)}` : 'token-given';
        const here = spot === t ? ' token-here' : '';
        return (
          <span key={t} class={`token ${kind}${here}`} data-segment={index} data-token={t}>
            {text.includes('\n') ? '↵' : text}
            {text.includes('\n') ? '\n' : null}
          </span>
        );
      })}
    </>
  );
}

function doubt({ logprobs }: Segment, token: number): string {
  const logprob = logprobs?.[token];
  if (logprob === undefined) return '';
  const level = BOUNDS.filter((bound) => Math.exp(logprob) < bound).length;
  return level === 0 ? '' : `token-doubt-${level}`;
}

function spotOf(target: EventTarget | null): Spot | null {
  if (!(target instanceof HTMLElement)) return null;
  const { segment, token } = target.dataset;
  if (segment === undefined || token === undefined) return null;
  return { segment: Number(segment), token: Number(token) };
}

/** The next or the earlier token, over the borders of segments. */
function moved(segments: readonly Segment[], spot: Spot | null, by: number): Spot {
  const from = spot ?? { segment: 0, token: -1 };
  const token = from.token + by;
  const length = segments[from.segment]?.ids.length ?? 0;
  if (token >= 0 && token < length) return { segment: from.segment, token };
  const segment = from.segment + by;
  const next = segments[segment];
  if (next === undefined) return from;
  return { segment, token: by > 0 ? 0 : next.ids.length - 1 };
}

function readout({ trace }: TraceView, texts: string[][], { segment, token }: Spot): string {
  const found = trace.segments[segment];
  const text = JSON.stringify(texts[segment]?.[token] ?? '');
  const id = found?.ids[token];
  const logprob = found?.logprobs?.[token];
  const role =
    found?.sampled === true ? 'sampled by the model' : `${found?.role ?? ''}, only shown`;
  if (logprob === undefined) return `${text} · id ${id} · ${role}`;
  const share = (Math.exp(logprob) * 100).toFixed(1);
  return `${text} · id ${id} · ${role} · log-probability ${logprob.toFixed(3)} (${share}%)`;
}
