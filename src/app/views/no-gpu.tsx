// What a browser without WebGPU gets: why, what to do, and a recorded run.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ProtocolError } from '../../base/errors.ts';
import type { TraceView } from '../../workers/client.ts';
import { adviceFor, type GpuProblem } from '../logic/gpu-support.ts';
import { episodeOf } from '../logic/turns.ts';
import { Scores } from '../parts/scores.tsx';
import { Trajectory } from '../parts/trajectory.tsx';
import { api, attempt, pageFile } from '../state/session.ts';

const RECORDED = 'recorded/run.json';
const recorded = signal<TraceView | null>(null);

export function NoGpu({ problem }: { problem: GpuProblem }) {
  const { why, steps } = adviceFor(problem);
  useEffect(() => {
    if (recorded.value === null) void attempt(openRecorded);
  }, []);
  const view = recorded.value;
  return (
    <>
      <section class="card no-gpu" aria-labelledby="no-gpu-title">
        <h2 id="no-gpu-title">No model can run here yet: the page needs WebGPU.</h2>
        <p>{why}</p>
        <ul>
          {steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ul>
        <p>
          Until then: below is a recorded run, and the scripted teacher can play any task without a
          GPU.
        </p>
      </section>
      {view === null ? null : (
        <section class="recorded" aria-labelledby="recorded-title">
          <h2 id="recorded-title" class="section-title">
            A recorded run
          </h2>
          <p class="request request-small">{view.trace.task.prompt}</p>
          <div class="stage stage-scored">
            <Trajectory episode={episodeOf(view.trace)} view={view} limit={null} />
            <aside class="stage-side">
              <Scores trace={view.trace} />
            </aside>
          </div>
        </section>
      )}
    </>
  );
}

async function openRecorded(): Promise<void> {
  const response = await fetch(pageFile(RECORDED));
  if (!response.ok) {
    throw new ProtocolError(
      'recorded-run',
      `recorded run: ${RECORDED} came with status ${response.status}, need 200; reload the page`,
    );
  }
  const text = await response.text();
  // Shown at once as turns; its tokens need the vocabulary of the model that played it.
  recorded.value = await api().viewTrace(text);
  await api().loadTokenizer(pageFile('models/nano.gguf'));
  recorded.value = await api().viewTrace(text);
}
