// The first page: one sentence, a task, and the episode that plays it.
import { useEffect } from 'preact/hooks';
import { plural } from '../logic/format.ts';
import { Scores } from '../parts/scores.tsx';
import { scrollInto } from '../parts/scroll.ts';
import { Badge } from '../parts/small.tsx';
import { Trajectory } from '../parts/trajectory.tsx';
import { refreshModels } from '../state/models-state.ts';
import { asking } from '../state/request-state.ts';
import { attempt, device, model, problem } from '../state/session.ts';
import { chosen, drawTask, episode, finished, task, taskSeed } from '../state/task-state.ts';
import { NoGpu } from './no-gpu.tsx';
import { TaskCard } from './task-card.tsx';

export function RunView() {
  const found = problem.value;
  useEffect(() => {
    if (found === 'checking') return;
    if (found !== null) chosen.value = { kind: 'teacher' };
    void attempt(refreshModels);
    if (task.value === null) void attempt(() => drawTask(taskSeed.value));
  }, [found]);
  return (
    <>
      <header class="hero">
        <h1>Watch a tiny language model learn to use tools, right in this tab.</h1>
        <p>
          It reads a request, finds the tools it needs on real MCP servers, calls them and answers.
          A rubric scores every run, and on the Train page it gets better from those scores. Nothing
          leaves your machine but the calls to servers that you add.
        </p>
      </header>
      {found !== null && found !== 'checking' ? <NoGpu problem={found} /> : null}
      <TaskCard />
      <Episode />
    </>
  );
}

function Episode() {
  const shown = episode.value;
  const view = finished.value;
  if (shown === null) return <Waiting />;
  const isScript = chosen.value.kind === 'teacher';
  const limit = isScript ? null : (model.value?.summary.episodeTokens ?? null);
  return (
    <div
      ref={view === null ? scrollInto : null}
      class={view === null ? 'stage' : 'stage stage-scored'}
    >
      <Trajectory key={view?.trace.id ?? 'live'} episode={shown} view={view} limit={limit} />
      {view === null ? null : (
        <aside class="stage-side">
          <Scores trace={view.trace} />
        </aside>
      )}
    </div>
  );
}

function Waiting() {
  const found = device.value;
  const steps = asking.value === 'own' ? undefined : task.value?.oracle.steps.length;
  if (problem.value !== null) return null;
  return (
    <div class="waiting">
      <p>
        Press <strong>Run</strong>
        {steps === undefined ? '' : `: a perfect run makes ${plural(steps, 'tool call')}`}.
      </p>
      {found?.software === true ? (
        <p>
          <Badge>software GPU</Badge> This browser computes on the processor: it works, but slowly.
        </p>
      ) : null}
    </div>
  );
}
