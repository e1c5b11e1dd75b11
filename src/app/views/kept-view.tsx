// Everything that the browser keeps: runs, single tasks, their trajectories, and the room they take.
import { useEffect } from 'preact/hooks';
import type { RunListing } from '../../workers/client.ts';
import { plural } from '../logic/format.ts';
import { Badge, Field } from '../parts/small.tsx';
import { StorageUse } from '../parts/storage-use.tsx';
import { TraceList } from '../parts/trace-list.tsx';
import { attempt, problem } from '../state/session.ts';
import {
  openRun,
  openTrace,
  refreshRuns,
  removeRun,
  runs,
  showFile,
  showRun,
  training,
} from '../state/train-state.ts';
import { OpenTrace } from './open-trace.tsx';

export function KeptView() {
  const ready = problem.value !== 'checking';
  useEffect(() => {
    if (ready) void attempt(refreshRuns);
  }, [ready]);
  const list = runs.value ?? [];
  const run = openRun.value;
  return (
    <>
      <header class="hero hero-small">
        <h1>Kept in this browser</h1>
        <p>Runs, adapters and trajectories stay on this machine until you remove them.</p>
        <StorageUse />
      </header>
      {runs.value !== null && list.length === 0 ? (
        <p class="quiet">Nothing yet. Run a task, and it appears here.</p>
      ) : null}
      <ul class="runs">
        {list.map((item) => (
          <RunCard key={item.id} run={item} open={item.id === run?.id} />
        ))}
      </ul>
      <Field label="Open a trajectory file">
        <input
          type="file"
          accept=".json,.jsonl"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file !== undefined) void attempt(() => showFile(file));
          }}
        />
      </Field>
      {run === null && openTrace.value === null ? null : (
        <section class="run" aria-label="Trajectories">
          <h2 class="section-title">{run === null ? 'From a file' : run.name}</h2>
          <div class="split">
            <div class="split-list">
              <TraceList />
            </div>
            <OpenTrace limit={run?.experiment?.limits.contextTokens ?? null} />
          </div>
        </section>
      )}
    </>
  );
}

function RunCard({ run, open }: { run: RunListing; open: boolean }) {
  const { id, name, kind, step, steps, status, hasAdapter, savedAt } = run;
  const facts =
    kind === 'episodes' ? plural(step, 'trajectory', 'trajectories') : `${step} of ${steps} steps`;
  return (
    <li class={`card run-card${open ? ' run-card-open' : ''}`}>
      <h2 class="run-name">{name}</h2>
      <p class="run-facts">
        <Badge>{facts}</Badge>
        {kind === 'episodes' ? null : <Badge>{status}</Badge>}
        {hasAdapter ? <Badge tone="accent">adapter</Badge> : null}
        <time class="quiet" dateTime={new Date(savedAt).toISOString()}>
          {new Date(savedAt).toLocaleString()}
        </time>
      </p>
      <p class="run-actions">
        <button
          type="button"
          class="button"
          aria-label={`Show trajectories of ${name} ${id}`}
          onClick={() => attempt(() => showRun(id))}
        >
          Trajectories
        </button>
        {kind === 'episodes' ? null : (
          <button
            type="button"
            class="button"
            aria-label={`Open ${name} ${id} in Train`}
            onClick={() =>
              attempt(async () => {
                await showRun(id);
                location.hash = '#/train';
              })
            }
          >
            Open in Train
          </button>
        )}
        <button
          type="button"
          class="button button-quiet"
          disabled={training.value === id}
          aria-label={`Remove ${name} ${id}`}
          onClick={() => {
            if (confirm(`Remove “${name}” with everything in it?`))
              void attempt(() => removeRun(id));
          }}
        >
          Remove
        </button>
      </p>
    </li>
  );
}
