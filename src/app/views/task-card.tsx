// The task and how it is run: another task, the model, the mode, Run.
import { signal } from '@preact/signals';
import { SHIPPED_MODELS, type ShippedName } from '../../base/shipped-models.ts';
import type { Mode } from '../../trajectory/trace.ts';
import { bytes, count, MODE_NAMES, plural } from '../logic/format.ts';
import { twistsOf } from '../logic/toolspaces.ts';
import { Badge, Field, type Option, Segmented } from '../parts/small.tsx';
import { ToolspaceChoice, toolHints } from '../parts/toolspace-choice.tsx';
import { models } from '../state/models-state.ts';
import { asking, missing } from '../state/request-state.ts';
import { attempt, loading, model, problem } from '../state/session.ts';
import {
  type Chosen,
  chosen,
  constrain,
  drawTask,
  mode,
  playedMode,
  runTask,
  stopTask,
  task,
  taskSeed,
  temperature,
  working,
  writesPrograms,
} from '../state/task-state.ts';
import { OwnRequest, OwnServers, RequestKind } from './own-request.tsx';

const MODES: readonly Option<Mode>[] = (['itl', 'isl', 'eager', 'ptc'] as const).map((value) => ({
  value,
  label: value === 'eager' ? 'Eager' : value.toUpperCase(),
  hint: MODE_NAMES[value].about,
}));

const SAMPLING: readonly Option<'greedy' | 'sampled'>[] = [
  { value: 'greedy', label: 'Greedy', hint: 'Always the most likely token' },
  { value: 'sampled', label: 'Sampled', hint: 'Temperature 1, as in training' },
];

const CALLS: readonly Option<'free' | 'held'>[] = [
  { value: 'free', label: 'Free', hint: 'The model writes calls as it likes, as in training' },
  {
    value: 'held',
    label: 'Held',
    hint: 'Only known tools, with arguments that follow their schemas',
  },
];

const url = signal('');

export function TaskCard() {
  const current = task.value;
  const busy = working.value !== null;
  const isOwn = asking.value === 'own';
  return (
    <section class="card task-card" aria-labelledby={isOwn ? 'own-request-title' : 'task-title'}>
      <RequestKind busy={busy} />
      {isOwn ? <OwnRequest busy={busy} /> : null}
      <header class="task-head" hidden={isOwn}>
        <h2 id="task-title" class="eyebrow">
          Task {taskSeed.value}
        </h2>
        {current === null ? null : (
          <p class="task-facts">
            <Badge>{plural(current.oracle.steps.length, 'call')}</Badge>
            {twistsOf(current.families).map((text) => (
              <Badge key={text}>{text}</Badge>
            ))}
            {current.servers.map((server) => (
              <Badge key={server} tone="accent">
                {server}
              </Badge>
            ))}
          </p>
        )}
        <button
          type="button"
          class="button button-quiet"
          disabled={busy}
          onClick={() => attempt(() => drawTask(taskSeed.value + 1))}
        >
          Another task
        </button>
      </header>
      <p class="request" hidden={isOwn}>
        {current?.prompt ?? 'Drawing a task…'}
      </p>
      <OwnServers busy={busy} />
      <Choices busy={busy} />
      <footer class="task-foot">
        <ModelFacts />
        {busy ? (
          <button type="button" class="button" onClick={() => attempt(stopTask)}>
            Stop
          </button>
        ) : (
          <button
            type="button"
            class="button button-primary"
            disabled={!canRun() || problem.value === 'checking'}
            onClick={() => attempt(runTask)}
          >
            Run
          </button>
        )}
      </footer>
    </section>
  );
}

function canRun(): boolean {
  if (asking.value === 'drawn') return task.value !== null;
  return missing.value === null && chosen.value.kind !== 'teacher';
}

function Choices({ busy }: { busy: boolean }) {
  return (
    <div class="choices">
      <PlayerChoice busy={busy} />
      <Segmented
        legend="Tools are shown by"
        options={MODES.filter(({ value }) => value !== 'ptc' || writesPrograms.value)}
        value={playedMode.value}
        disabled={busy}
        onChange={(value) => {
          mode.value = value;
        }}
      />
      {chosen.value.kind === 'teacher' ? null : <SamplingChoice busy={busy} />}
      <ToolspaceChoice busy={busy} />
      <p class="hint">{[`${MODE_NAMES[playedMode.value].about}.`, ...toolHints()].join(' ')}</p>
    </div>
  );
}

function SamplingChoice({ busy }: { busy: boolean }) {
  return (
    <>
      <Segmented
        legend="Sampling"
        options={SAMPLING}
        value={temperature.value === 0 ? 'greedy' : 'sampled'}
        disabled={busy}
        onChange={(value) => {
          temperature.value = value === 'greedy' ? 0 : 1;
        }}
      />
      <Segmented
        legend="Calls"
        options={CALLS}
        value={constrain.value ? 'held' : 'free'}
        disabled={busy}
        onChange={(value) => {
          constrain.value = value === 'held';
        }}
      />
    </>
  );
}

type PlayerKey = ShippedName | `stored:${string}` | 'own' | 'teacher' | 'trained';

function keyOf(who: Chosen): PlayerKey {
  if (who.kind === 'shipped') return who.name;
  return who.kind === 'stored' ? `stored:${who.name}` : who.kind;
}

/** Models of the store that are whole. */
function keptOptions(): Option<PlayerKey>[] {
  return (models.value ?? []).flatMap(({ name, hash }) =>
    hash === null ? [] : [{ value: `stored:${name}`, label: name, hint: 'Kept in this browser' }],
  );
}

function PlayerChoice({ busy }: { busy: boolean }) {
  const who = chosen.value;
  const noGpu = problem.value !== null;
  const models: Option<PlayerKey>[] = noGpu
    ? []
    : [
        { value: 'nano', label: 'nano', hint: 'Trained for these tools' },
        { value: 'rookie', label: 'rookie', hint: 'An early stage of nano, with room to learn' },
        ...keptOptions(),
        { value: 'own', label: 'Your own…', hint: 'A GGUF file or its address, this time only' },
      ];
  const trained: Option<PlayerKey>[] =
    who.kind === 'trained'
      ? [{ value: 'trained', label: who.label, hint: 'What you trained' }]
      : [];
  const teacher: Option<PlayerKey> = {
    value: 'teacher',
    label: 'teacher',
    hint: 'A script that knows the solution; needs no GPU',
  };
  return (
    <div class="choice-wide">
      <Segmented
        legend="Played by"
        options={[...models, ...trained, teacher]}
        value={keyOf(who)}
        disabled={busy}
        onChange={choose}
      />
      {who.kind === 'own' ? <OwnModel /> : null}
    </div>
  );
}

function choose(key: PlayerKey): void {
  const name = SHIPPED_MODELS.find((item) => item === key);
  const kept = models.value?.find((model) => key === `stored:${model.name}`);
  if (name !== undefined) chosen.value = { kind: 'shipped', name };
  else if (kept !== undefined && kept.hash !== null) {
    chosen.value = { kind: 'stored', name: kept.name, hash: kept.hash };
  } else if (key === 'teacher') chosen.value = { kind: 'teacher' };
  else if (key === 'own') chosen.value = { kind: 'own', key: '', source: { kind: 'url', url: '' } };
}

function OwnModel() {
  return (
    <div class="own-model">
      <Field label="GGUF file">
        <input
          type="file"
          accept=".gguf"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file === undefined) return;
            const key = `file:${file.name}:${file.size}:${file.lastModified}`;
            chosen.value = { kind: 'own', key, source: { kind: 'file', file } };
          }}
        />
      </Field>
      <Field label="or its address">
        <input
          type="url"
          value={url.value}
          placeholder="https://…/model.gguf"
          onInput={(event) => {
            url.value = event.currentTarget.value.trim();
            const source = { kind: 'url', url: url.value } as const;
            chosen.value = { kind: 'own', key: `url:${url.value}`, source };
          }}
        />
      </Field>
      <p class="hint">
        To keep one in this browser, add it on the <a href="#/models">Models</a> page.
      </p>
    </div>
  );
}

function ModelFacts() {
  const coming = loading.value;
  if (coming !== null) {
    const { loadedBytes, totalBytes } = coming;
    const known = totalBytes > 0;
    return (
      <p class="model-facts">
        <progress
          aria-label={`Loading ${coming.key}`}
          max={known ? totalBytes : 1}
          {...(known ? { value: loadedBytes } : {})}
        />{' '}
        {known ? `${bytes(loadedBytes)} of ${bytes(totalBytes)}` : 'Loading the model…'}
      </p>
    );
  }
  if (chosen.value.kind === 'teacher') {
    return <p class="model-facts">A script that knows the solution, on the same real tools.</p>;
  }
  const summary = model.value?.summary;
  if (summary === undefined) {
    return <p class="model-facts">The model loads with the first run.</p>;
  }
  const { name, parameters, layers, sizeBytes } = summary;
  return (
    <p class="model-facts">
      {name}: {count(parameters)} parameters, {plural(layers, 'layer')}, {bytes(sizeBytes)}
    </p>
  );
}
