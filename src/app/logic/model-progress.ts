// What is said of a model on its way.
import type { ModelProgress } from '../../workers/client.ts';
import { bytes, duration } from './format.ts';

const PHASES: Readonly<Record<ModelProgress['phase'], string>> = {
  download: '',
  copy: 'Copying: ',
  check: 'Checking: ',
};

/** `120 MB of 640 MB, 12 MB/s, 43 s left`. */
export function progressText(progress: ModelProgress): string {
  const { phase, doneBytes, totalBytes, bytesPerSecond, secondsLeft } = progress;
  const parts = [
    totalBytes === null ? bytes(doneBytes) : `${bytes(doneBytes)} of ${bytes(totalBytes)}`,
  ];
  if (bytesPerSecond !== null) parts.push(`${bytes(bytesPerSecond)}/s`);
  if (secondsLeft !== null && secondsLeft > 0) parts.push(`${duration(secondsLeft)} left`);
  return PHASES[phase] + parts.join(', ');
}
