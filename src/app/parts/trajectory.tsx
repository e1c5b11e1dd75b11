// An episode, live or stored, turn by turn or token by token.
import { useState } from 'preact/hooks';
import type { TraceView } from '../../workers/client.ts';
import { END_NAMES } from '../logic/format.ts';
import type { EpisodeShown } from '../logic/turns.ts';
import { Alert, Badge, Bar, Segmented } from './small.tsx';
import { Tokens } from './tokens.tsx';
import { Turn } from './turn.tsx';

type Look = 'turns' | 'tokens';
const LOOKS = [
  { value: 'turns', label: 'Turns' },
  { value: 'tokens', label: 'Tokens' },
] as const;

/** @param view the finished trajectory; null while it runs. @param limit tokens of the context; null when not known. */
export function Trajectory(props: {
  episode: EpisodeShown;
  view: TraceView | null;
  limit: number | null;
}) {
  const { episode, view, limit } = props;
  const [look, setLook] = useState<Look>('turns');
  const live = view === null;
  return (
    <section class="trajectory" aria-label="Trajectory" aria-busy={live}>
      <header class="trajectory-head">
        <ContextUse used={episode.contextTokens} limit={limit} />
        {view === null ? null : (
          <Segmented legend="Show" options={LOOKS} value={look} onChange={setLook} />
        )}
      </header>
      {view !== null && look === 'tokens' ? <Tokens view={view} /> : <Turns episode={episode} />}
      {episode.error === null ? null : <Alert text={episode.error} />}
    </section>
  );
}

function Turns({ episode }: { episode: EpisodeShown }) {
  const { system, prompt, turns, notes, end } = episode;
  return (
    <>
      <details class="prompt">
        <summary>What the model is told</summary>
        {system === null ? null : <pre class="prompt-text">{system}</pre>}
        <pre class="prompt-text">{prompt}</pre>
      </details>
      {notes.map((note) => (
        <p key={note} class="quiet">
          {note}
        </p>
      ))}
      <ol class="turns">
        {turns.map((turn, i) => (
          <Turn key={i} turn={turn} number={i + 1} />
        ))}
      </ol>
      {end === null || end === 'answer' ? null : (
        <p class="ended">
          <Badge tone={end === 'cancel' ? 'plain' : 'bad'}>{END_NAMES[end]}</Badge>
        </p>
      )}
    </>
  );
}

function ContextUse({ used, limit }: { used: number; limit: number | null }) {
  return (
    <div class="context-use">
      <span>
        Context <strong>{used}</strong>
        {limit === null ? ' tokens' : ` of ${limit} tokens`}
      </span>
      {limit === null ? null : <Bar share={used / limit} />}
    </div>
  );
}
