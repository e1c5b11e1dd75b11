// The numbers of a run, newest step first.
import { useState } from 'preact/hooks';
import type { Metrics } from '../../trajectory/experiment.ts';
import { compact, percent } from '../logic/format.ts';

const FIRST_ROWS = 10;

export function MetricsTable({ metrics }: { metrics: readonly Metrics[] }) {
  const [all, setAll] = useState(false);
  const newest = [...metrics].reverse();
  const shown = all ? newest : newest.slice(0, FIRST_ROWS);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls must be in reach of the arrow keys. */}
      <section class="table-scroll" aria-label="Metrics" tabIndex={0}>
        <table class="metrics">
          <caption class="visually-hidden">Metrics of each step</caption>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Success</th>
              <th scope="col">Reward</th>
              <th scope="col">Loss</th>
              <th scope="col">Entropy</th>
              <th scope="col">Gradient</th>
              <th scope="col" title="Groups whose rollouts all scored the same">
                No spread
              </th>
              <th scope="col" title="Largest difference of sampler and trainer">
                Log-prob. gap
              </th>
              <th scope="col">Tokens</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((line) => (
              <Row key={line.step} line={line} />
            ))}
          </tbody>
        </table>
      </section>
      {newest.length <= FIRST_ROWS ? null : (
        <button type="button" class="button button-quiet" onClick={() => setAll(!all)}>
          {all ? 'Show the newest only' : `Show all ${newest.length} steps`}
        </button>
      )}
    </>
  );
}

function Row({ line }: { line: Metrics }) {
  return (
    <tr>
      <th scope="row">{line.step + 1}</th>
      <td>{percent(line.success)}</td>
      <td>{compact(line.reward)}</td>
      <td>{compact(line.loss)}</td>
      <td>{compact(line.entropy)}</td>
      <td>{compact(line.gradNorm)}</td>
      <td>{percent(line.zeroSpread)}</td>
      <td>{compact(line.logprobGap)}</td>
      <td>{line.tokens}</td>
    </tr>
  );
}
