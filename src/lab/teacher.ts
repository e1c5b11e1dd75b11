// Episodes of the oracle as training data.
import type { Limits } from '../agent/run-episode.ts';
import { teacherTrace } from '../agent/teacher.ts';
import { AtlasError } from '../base/errors.ts';
import type { TeacherHabits } from '../trajectory/experiment.ts';
import type { Task } from '../trajectory/task.ts';
import type { Mode, Trace } from '../trajectory/trace.ts';
import { type EpisodeRuntime, stylesOf } from './runtime.ts';

export interface Lesson {
  task: Task;
  mode: Mode;
  id: string;
  /** Draws the habits that show, together with the task's id. */
  seed: number;
  limits: Limits;
  habits: TeacherHabits | undefined;
}

/**
 * Plays the oracle on one task; what it wrote is marked as if a policy had sampled it.
 * @throws {AtlasError} when the episode itself failed: the teacher never does.
 */
export async function teach(lesson: Lesson, runtime: EpisodeRuntime): Promise<Trace> {
  const toolbox = await runtime.openEpisode(lesson.task, lesson.id);
  try {
    const trace = await teacherTrace({
      ...lesson,
      ...stylesOf(runtime),
      sandbox: runtime.sandbox,
      tokenizer: runtime.tokenizer,
      toolbox,
    });
    if (trace.end === 'error') {
      throw new AtlasError('teacher-failed', `teacher on ${lesson.task.id}: ${trace.error}`);
    }
    return trace;
  } finally {
    await toolbox.close();
  }
}
