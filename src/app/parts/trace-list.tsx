// A page of a run's trajectories.
import { END_NAMES, fixed, plural } from '../logic/format.ts';
import { attempt } from '../state/session.ts';
import { openTrace, PAGE_SIZE, showTrace, showTraces, traces } from '../state/train-state.ts';
import { Badge } from './small.tsx';

export function TraceList() {
  const page = traces.value;
  if (page === null) return null;
  const { total, from, list } = page;
  if (total === 0) return <p class="quiet">No trajectories yet.</p>;
  const open = openTrace.value?.index;
  return (
    <>
      <ol class="trace-list">
        {list.map((item, i) => (
          <li key={item.index}>
            {item.prompt === list[i - 1]?.prompt ? null : <p class="trace-prompt">{item.prompt}</p>}
            <button
              type="button"
              class="trace-item"
              aria-current={item.index === open ? 'true' : undefined}
              onClick={() => attempt(() => showTrace(item.index))}
            >
              <span class="visually-hidden">{item.prompt}</span>
              <Verdict success={item.success} />
              <span>reward {fixed(item.reward)}</span>
              <span>{plural(item.calls, 'call')}</span>
              <span>{END_NAMES[item.end]}</span>
              <span>{item.policy}</span>
            </button>
          </li>
        ))}
      </ol>
      {total <= PAGE_SIZE ? null : (
        <nav class="pager" aria-label="Pages of trajectories">
          <button
            type="button"
            class="button button-quiet"
            disabled={from === 0}
            onClick={() => attempt(() => showTraces(Math.max(0, from - PAGE_SIZE)))}
          >
            Newer
          </button>
          <span class="quiet">
            {from + 1}–{from + list.length} of {total}
          </span>
          <button
            type="button"
            class="button button-quiet"
            disabled={from + list.length >= total}
            onClick={() => attempt(() => showTraces(from + PAGE_SIZE))}
          >
            Older
          </button>
        </nav>
      )}
    </>
  );
}

function Verdict({ success }: { success: boolean | null }) {
  if (success === null) return <Badge>not scored</Badge>;
  return success ? <Badge tone="good">solved</Badge> : <Badge tone="bad">not solved</Badge>;
}
