// The rubric of a trajectory: reward, four categories, twelve criteria.
import type { Trace } from '../../trajectory/trace.ts';
import { END_NAMES, fixed, percent, plural } from '../logic/format.ts';
import { type CategoryRow, type CriterionRow, scoreRows } from '../logic/score-rows.ts';
import { Badge, Bar } from './small.tsx';

export function Scores({ trace }: { trace: Trace }) {
  const { scores, success, end, calls, task } = trace;
  const made = calls.filter((call) => !call.meta).length;
  return (
    <section class="card scores" aria-label="Score">
      <header class="scores-head">
        <div>
          <p class="eyebrow">Reward</p>
          <p class="reward">{fixed(scores?.reward ?? null)}</p>
        </div>
        <div class="scores-verdict">
          {success === true ? <Badge tone="good">solved</Badge> : null}
          {success === false ? <Badge tone="bad">not solved</Badge> : null}
          {success === null ? (
            <Badge>{task.source === 'user' ? 'not judged' : 'not scored'}</Badge>
          ) : null}
          <p class="quiet">
            {END_NAMES[end]} · {plural(made, 'call')}
          </p>
        </div>
      </header>
      {task.source === 'user' && scores?.reward == null ? (
        <p class="quiet">A request of your own: nobody knows its solution, so it is not judged.</p>
      ) : (
        scoreRows(trace).map((row) => <CategoryScore key={row.category} row={row} />)
      )}
    </section>
  );
}

function CategoryScore({ row }: { row: CategoryRow }) {
  return (
    <details class="category" open={row.score !== null && row.score < 1}>
      <summary>
        <span class="category-name">{row.name}</span>
        <span class="category-score">{percent(row.score)}</span>
        <Bar share={row.score} />
      </summary>
      <ul class="criteria">
        {row.criteria.map((item, i) => (
          <CriterionScore key={i} {...item} />
        ))}
      </ul>
    </details>
  );
}

function CriterionScore({ criterion, score }: CriterionRow) {
  const tone = score === null ? 'none' : score >= 1 ? 'good' : score <= 0 ? 'bad' : 'some';
  const said = score === null ? 'not scored' : fixed(score, score % 1 === 0 ? 0 : 2);
  return (
    <li class="criterion">
      <span class={`dot dot-${tone}`} aria-hidden="true" />
      <span class="criterion-text">{criterion.description}</span>
      <span class="criterion-score">
        {said} <small>× {criterion.weight}</small>
      </span>
    </li>
  );
}
