// The trajectory that was opened from a list or a file.
import { episodeOf } from '../logic/turns.ts';
import { Scores } from '../parts/scores.tsx';
import { scrollInto } from '../parts/scroll.ts';
import { Trajectory } from '../parts/trajectory.tsx';
import { openTrace } from '../state/train-state.ts';

export function OpenTrace({ limit }: { limit: number | null }) {
  const open = openTrace.value;
  if (open === null) {
    return (
      <div class="split-view split-empty">
        <p class="quiet">Choose one to read it turn by turn.</p>
      </div>
    );
  }
  const { view, index } = open;
  return (
    <div class="split-view" key={index ?? -1} ref={scrollInto}>
      <p class="request request-small">{view.trace.task.prompt}</p>
      <Trajectory key={index ?? -1} episode={episodeOf(view.trace)} view={view} limit={limit} />
      <Scores trace={view.trace} />
    </div>
  );
}
