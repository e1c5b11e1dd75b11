// The numbers of a run, newest step first.
import { useState } from 'preact/hooks';
import type { Metrics } from '../../trajectory/experiment.ts';
import { compact, percent } from '../logic/format.ts';

const FIRST_ROWS = 10;

interface Column {
  name: string;
  /** What the numbers mean. */
  about: string;
  text: (line: Metrics) => string;
}

const COLUMNS: readonly Column[] = [
  {
    name: 'Success',
    about: 'Tries that did all of what the task asks',
    text: ({ success }) => percent(success),
  },
  { name: 'Reward', about: 'Mean reward of a try', text: ({ reward }) => compact(reward) },
  { name: 'Loss', about: 'What the update lowers', text: ({ loss }) => compact(loss) },
  {
    name: 'Entropy',
    about: 'How open the choice of the next token is, in nats; near 0 nothing new is tried',
    text: ({ entropy }) => compact(entropy),
  },
  {
    name: 'Gradient',
    about: 'Length of the gradient before it is clipped',
    text: ({ gradNorm }) => compact(gradNorm),
  },
  {
    name: 'No spread',
    about: 'Groups whose rollouts all scored the same',
    text: ({ zeroSpread }) => percent(zeroSpread),
  },
  {
    name: 'Log-prob. gap',
    about: 'Largest difference of sampler and trainer',
    text: ({ logprobGap }) => compact(logprobGap),
  },
  { name: 'Tokens', about: 'Tokens that were trained', text: ({ tokens }) => String(tokens) },
  {
    name: 'Spread',
    about: 'Standard deviation of the rewards in a group',
    text: ({ rewardStd = null }) => compact(rewardStd),
  },
  {
    name: 'Groups',
    about: 'Groups that were trained, of those that were drawn',
    text: ({ trained = null, groups = null }) => (groups === null ? '–' : `${trained} / ${groups}`),
  },
  {
    name: 'Clipped',
    about: 'Trained tokens whose change was cut at the clip bounds',
    text: ({ clipFraction = null }) => percent(clipFraction),
  },
  {
    name: 'Max. ratio',
    about: 'Most that the probability of a sampled token has grown within the step',
    text: ({ ratioMax = null }) => compact(ratioMax),
  },
  {
    name: 'Skipped',
    about: 'Updates that were not taken, as their gradient was no number or a spike',
    text: ({ skipped = null }) => (skipped === null ? '–' : String(skipped)),
  },
  {
    name: 'Rate',
    about: 'Learning rate',
    text: ({ learningRate = null }) => compact(learningRate),
  },
  {
    name: 'Repeats',
    about: 'Tokens in runs of four that a try wrote before; calls alone make a third',
    text: ({ repeats = null }) => percent(repeats),
  },
  {
    name: 'Length',
    about: 'Tokens that the model wrote in a try',
    text: ({ length = null }) => compact(length),
  },
  {
    name: 'Cut off',
    about: 'Tries that a limit ended: calls, context or the length of a turn',
    text: ({ truncated = null }) => percent(truncated),
  },
];

const OVERLONG: Column = {
  name: 'Too long',
  about: 'Mean penalty for long tries; the reward shown is without it',
  text: ({ overlong = null }) => compact(overlong),
};

export function MetricsTable({ metrics }: { metrics: readonly Metrics[] }) {
  const [all, setAll] = useState(false);
  const newest = [...metrics].reverse();
  const shown = all ? newest : newest.slice(0, FIRST_ROWS);
  const punished = metrics.some(({ overlong }) => overlong != null);
  const columns = punished ? [...COLUMNS, OVERLONG] : COLUMNS;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls must be in reach of the arrow keys. */}
      <section class="table-scroll" aria-label="Metrics" tabIndex={0}>
        <table class="metrics">
          <caption class="visually-hidden">Metrics of each step</caption>
          <thead>
            <tr>
              <th scope="col">Step</th>
              {columns.map(({ name, about }) => (
                <th key={name} scope="col" title={about}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((line) => (
              <tr key={line.step}>
                <th scope="row">{line.step + 1}</th>
                {columns.map(({ name, text }) => (
                  <td key={name}>{text(line)}</td>
                ))}
              </tr>
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
