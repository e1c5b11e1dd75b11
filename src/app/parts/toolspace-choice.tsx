// Which tools the next task is of and how they are reached, on the Run page.
import { hasServiceWorkers } from '../../workers/client.ts';
import {
  type HeldSplit,
  TOOLSPACE_HINTS,
  type ToolspaceName,
  toolspaceNamed,
} from '../logic/toolspaces.ts';
import { asking } from '../state/request-state.ts';
import { attempt } from '../state/session.ts';
import { chosen, drawTask, playedSpace, task, taskSeed } from '../state/task-state.ts';
import { type Reach, reach, split, toolspace } from '../state/tools-state.ts';
import { type Option, Segmented } from './small.tsx';

const SPACES: readonly Option<ToolspaceName>[] = (['core', 'full'] as const).map((value) => ({
  value,
  label: value,
  hint: TOOLSPACE_HINTS[value],
}));

const SPLITS: readonly Option<HeldSplit>[] = [
  { value: 'test', label: 'Test', hint: 'Servers of training, with other values and names' },
  { value: 'unseen', label: 'Unseen', hint: 'With servers that no training task shows' },
];

const BY_URL = 'Each call is a request of its own in the network panel';

const WAYS: readonly Option<Reach>[] = [
  { value: 'page', label: 'In the page', hint: 'Called in a worker of the page, the fastest way' },
  { value: 'url', label: 'By URL', hint: BY_URL },
];

export function ToolspaceChoice({ busy }: { busy: boolean }) {
  const isOwn = asking.value === 'own';
  // Of a drawn task the control says what it is of; who plays may have changed since.
  const drawn = toolspace.value ?? toolspaceNamed(task.value?.toolspace);
  const shown = isOwn ? playedSpace.value : drawn;
  const redraw = () => void attempt(() => drawTask(taskSeed.value));
  return (
    <>
      <Segmented
        legend={isOwn ? 'Built-in servers of' : 'Tasks of'}
        options={SPACES}
        value={shown}
        disabled={busy}
        onChange={(value) => {
          toolspace.value = value;
          redraw();
        }}
      />
      {isOwn || shown === 'core' ? null : (
        <Segmented
          legend="Split"
          options={SPLITS}
          value={split.value}
          disabled={busy}
          onChange={(value) => {
            split.value = value;
            redraw();
          }}
        />
      )}
      {hasServiceWorkers() ? (
        <Segmented
          legend="Tools are reached"
          options={WAYS}
          value={reach.value}
          disabled={busy}
          onChange={(value) => {
            reach.value = value;
          }}
        />
      ) : null}
    </>
  );
}

/** What a person should know of the tools that were chosen, as sentences. */
export function toolHints(): string[] {
  const who = chosen.value;
  const isForeign = who.kind === 'shipped' && toolspaceNamed(task.value?.toolspace) === 'full';
  return [
    ...(isForeign ? [`${who.name} was trained on core: do not expect it to solve these.`] : []),
    ...(reach.value === 'url' ? [`${BY_URL}.`] : []),
  ];
}
