// Teacher trajectories: the oracle's episodes with masks as if a policy had sampled its turns.
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { TeacherHabits } from '../trajectory/experiment.ts';
import type { Trace } from '../trajectory/trace.ts';
import { oracleScript } from './policies/oracle.ts';
import { type EpisodeOptions, runEpisode } from './run-episode.ts';

export interface TeacherOptions extends Omit<EpisodeOptions, 'policy' | 'temperature'> {
  tokenizer: Tokenizer;
  /** Share of tasks that shows each bad habit. */
  habits?: TeacherHabits | undefined;
}

/** One episode of the oracle. Its turns, end tokens included, have mask 1 and no log-probabilities. */
export function teacherTrace({ tokenizer, habits, ...options }: TeacherOptions): Promise<Trace> {
  const policy = oracleScript(habits === undefined ? {} : { habits });
  return runEpisode({
    ...options,
    temperature: 0,
    policy: { kind: 'scripted', policy, teacher: true, tokenizer },
  });
}
