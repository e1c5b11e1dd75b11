// Training: make a run, step it, watch it, take the adapter home.
import { useEffect } from 'preact/hooks';
import type { LabProgress } from '../../lab/progress.ts';
import type { RunListing } from '../../workers/client.ts';
import { fixed, percent, plural } from '../logic/format.ts';
import { Chart } from '../parts/chart.tsx';
import { MetricsTable } from '../parts/metrics-table.tsx';
import { Badge, Notice, Tile } from '../parts/small.tsx';
import { TraceList } from '../parts/trace-list.tsx';
import { attempt, loading, problem } from '../state/session.ts';
import { chosen, episode, finished } from '../state/task-state.ts';
import {
  advance,
  downloadAdapter,
  metrics,
  openRun,
  pauseRun,
  progress,
  refreshRuns,
  runs,
  showRun,
  stopRun,
  training,
  warnings,
} from '../state/train-state.ts';
import { NewRun } from './new-run.tsx';
import { OpenTrace } from './open-trace.tsx';

export function TrainView() {
  const ready = problem.value !== 'checking';
  useEffect(() => {
    if (ready && runs.value === null) void attempt(openNewest);
  }, [ready]);
  const run = openRun.value;
  return (
    <>
      <header class="hero hero-small">
        <h1>Training</h1>
        <p>
          The model tries each task several times. What scored better than its siblings becomes more
          likely (GRPO): small steps on a LoRA adapter, computed in this tab.
        </p>
      </header>
      <NewRun />
      {run === null || run.kind === 'episodes' ? null : <OpenRun run={run} />}
    </>
  );
}

/** After a reload the page stands where it was: at the newest run. */
async function openNewest(): Promise<void> {
  await refreshRuns();
  const newest = runs.value?.find((run) => run.kind === 'experiment');
  if (newest !== undefined && openRun.value === null) await showRun(newest.id);
}

function OpenRun({ run }: { run: RunListing }) {
  const lines = metrics.value;
  const last = lines.at(-1) ?? null;
  const first = lines[0] ?? null;
  return (
    <section class="run" aria-labelledby="run-title">
      <header class="run-head">
        <h2 id="run-title" class="run-title">
          {run.name}
        </h2>
        <Badge tone={training.value === run.id ? 'accent' : 'plain'}>{statusOf(run)}</Badge>
        <span class="quiet">{run.id}</span>
      </header>
      <Controls run={run} />
      {run.error === null ? null : <p class="alert">{run.error}</p>}
      {warnings.value.map((text) => (
        <Notice key={text} text={text} />
      ))}
      <dl class="tiles">
        <Tile name="Step" value={String(run.step)} note={`of ${run.steps}`} />
        <Tile
          name="Success"
          value={percent(last?.success ?? null)}
          note={first === null ? '' : `from ${percent(first.success)}`}
        />
        <Tile
          name="Reward"
          value={fixed(last?.reward ?? null)}
          note={first === null ? '' : `from ${fixed(first.reward)}`}
        />
        <Tile name="Entropy" value={fixed(last?.entropy ?? null)} note="nats a token" />
      </dl>
      <Chart metrics={lines} steps={run.steps} />
      {lines.length === 0 ? null : <MetricsTable metrics={lines} />}
      <h3 class="section-title">Tries, newest first</h3>
      <div class="split">
        <div class="split-list">
          <TraceList />
        </div>
        <OpenTrace limit={run.experiment?.limits.contextTokens ?? null} />
      </div>
    </section>
  );
}

function statusOf(run: RunListing): string {
  if (training.value === run.id) return 'at work';
  if (run.status === 'paused') return run.step === 0 ? 'new' : 'paused';
  return run.status;
}

function Controls({ run }: { run: RunListing }) {
  const working = training.value === run.id;
  const done = run.status === 'done';
  const unable = problem.value !== null || training.value !== null || done;
  const go = run.step === 0 ? 'Run' : 'Resume';
  return (
    <div class="controls">
      {working ? (
        <>
          <button type="button" class="button" onClick={() => attempt(pauseRun)}>
            Pause
          </button>
          <button type="button" class="button" onClick={() => attempt(stopRun)}>
            Stop
          </button>
        </>
      ) : (
        <>
          <button
            type="button"
            class="button button-primary"
            disabled={unable}
            onClick={() => attempt(() => advance('run'))}
          >
            {go}
          </button>
          <button
            type="button"
            class="button"
            disabled={unable}
            onClick={() => attempt(() => advance('step'))}
          >
            Step
          </button>
        </>
      )}
      <button
        type="button"
        class="button button-quiet"
        disabled={!run.hasAdapter}
        onClick={() => attempt(downloadAdapter)}
      >
        Download adapter
      </button>
      <button
        type="button"
        class="button button-quiet"
        disabled={!run.hasAdapter || working}
        onClick={() => playWith(run)}
      >
        Try it on a task
      </button>
      <p class="progress-line">{working ? progressText(progress.value) : ''}</p>
    </div>
  );
}

function playWith(run: RunListing): void {
  const { experiment } = run;
  if (experiment === null) return;
  chosen.value = {
    kind: 'trained',
    run: run.id,
    base: experiment,
    label: `${experiment.model} + ${plural(run.step, 'step')}`,
  };
  episode.value = null;
  finished.value = null;
  location.hash = '#/run';
}

function progressText(told: LabProgress | null): string {
  if (told === null) return loading.value === null ? 'Getting ready…' : 'Loading the model…';
  switch (told.kind) {
    case 'rollout':
      return `Step ${told.step + 1}: try ${told.done} of ${told.total}`;
    case 'update':
      return `Step ${told.step + 1}: update ${told.done} of ${told.total}`;
    case 'step':
      return `Step ${told.step + 1} of ${told.steps} is done`;
    case 'warning':
      return `Step ${told.step + 1}: ${told.text}`;
    default:
      return told satisfies never;
  }
}
