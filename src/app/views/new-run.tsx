// A new training run: which model, how many tries, how it fits the GPU's memory.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { SHIPPED_MODELS } from '../../base/shipped-models.ts';
import type { TrainingPlan } from '../../workers/client.ts';
import { bytes, plural } from '../logic/format.ts';
import { PLAN_PARTS } from '../logic/plan-parts.ts';
import {
  type BaseModel,
  PRESET_CHOICES,
  type PresetChoices,
  startingPoint,
} from '../logic/preset.ts';
import { TOOLSPACE_HINTS, toolspaceNamed } from '../logic/toolspaces.ts';
import { Field, NumberField } from '../parts/small.tsx';
import { keyOf } from '../state/base-model.ts';
import { models, refreshModels } from '../state/models-state.ts';
import { attempt, loading, problem } from '../state/session.ts';
import { createRun, openRun, planRun, training } from '../state/train-state.ts';

type Checkpoints = PresetChoices['memory']['checkpoints'];

/** What is kept of each layer, mildest first; undefined leaves it to the size of the model. */
const KEPT: readonly { value: Checkpoints; label: string }[] = [
  { value: undefined, label: 'What fits' },
  { value: 'all', label: 'Everything' },
  { value: 'f32', label: 'Inputs of layers' },
  { value: 'f16', label: 'Inputs in 16 bits' },
];

export function NewRun() {
  const choices = useSignal(PRESET_CHOICES);
  const plan = useSignal<TrainingPlan | null>(null);
  const value = choices.value;
  const set = (change: Partial<PresetChoices>): void => {
    choices.value = { ...choices.value, ...change };
  };
  const ready = problem.value !== 'checking';
  useEffect(() => {
    if (ready && models.value === null) void attempt(refreshModels);
  }, [ready]);
  const { model, rank, memory } = value;
  useEffect(() => {
    let current = true;
    const replan = async () => {
      const next = await planRun(value);
      if (current) plan.value = next;
    };
    if (ready) void attempt(replan);
    return () => {
      current = false;
    };
  }, [ready, keyOf(model), rank, memory]);
  const unable = problem.value !== null || training.value !== null || loading.value !== null;
  return (
    <details class="card new-run" open={openRun.value === null}>
      <summary>
        <h2 class="new-run-title">New run: {model.name} learns</h2>
      </summary>
      <Settings value={value} set={set} />
      <Plan plan={plan.value} />
      <footer class="task-foot">
        <p class="model-facts">
          {plural(value.tasksPerStep * value.group, 'try', 'tries')} a step. Equal settings give
          equal results on the same device.
        </p>
        <button
          type="button"
          class="button button-primary"
          disabled={unable}
          // Not of the last rendering: a field tells its value when it is left, which this click may do.
          onClick={() => attempt(() => createRun(choices.value))}
        >
          Create run
        </button>
      </footer>
      {problem.value !== null && problem.value !== 'checking' ? (
        <p class="quiet">Training needs WebGPU; the Run page says how to get it.</p>
      ) : null}
    </details>
  );
}

interface SettingsProps {
  readonly value: PresetChoices;
  readonly set: (change: Partial<PresetChoices>) => void;
}

type NumberKey = 'tasksPerStep' | 'group' | 'steps' | 'learningRate' | 'rank' | 'seed';

const NUMBERS: readonly {
  key: NumberKey;
  label: string;
  min: number;
  max: number;
  step?: 'any';
}[] = [
  { key: 'tasksPerStep', label: 'Tasks a step', min: 1, max: 64 },
  { key: 'group', label: 'Tries of each task', min: 2, max: 32 },
  { key: 'steps', label: 'Steps', min: 1, max: 1000 },
  { key: 'learningRate', label: 'Learning rate', min: 0.000001, max: 0.1, step: 'any' },
  { key: 'rank', label: 'Adapter rank', min: 1, max: 64 },
  { key: 'seed', label: 'Seed', min: 0, max: 999_999 },
];

function Settings({ value, set }: SettingsProps) {
  return (
    <div class="fields">
      <ModelField value={value} set={set} />
      <ToolspaceField value={value} set={set} />
      {NUMBERS.map(({ key, ...field }) => (
        <NumberField
          key={key}
          {...field}
          value={value[key]}
          onChange={(next) => set({ [key]: next })}
        />
      ))}
      <KeptField value={value} set={set} />
    </div>
  );
}

function ModelField({ value, set }: SettingsProps) {
  const shipped = SHIPPED_MODELS.map((name): BaseModel => ({ kind: 'shipped', name }));
  const stored = (models.value ?? []).flatMap(({ name, hash }): BaseModel[] =>
    hash === null ? [] : [{ kind: 'stored', name, hash }],
  );
  const all = [...shipped, ...stored];
  return (
    <Field label="Model">
      <select
        value={keyOf(value.model)}
        onChange={({ currentTarget }) => {
          const model = all.find((item) => keyOf(item) === currentTarget.value);
          if (model !== undefined) set({ model, ...startingPoint(model) });
        }}
      >
        {all.map((item) => (
          <option key={keyOf(item)} value={keyOf(item)}>
            {item.name}
          </option>
        ))}
      </select>
    </Field>
  );
}

function ToolspaceField({ value, set }: SettingsProps) {
  // The shipped models know no other tools.
  const isFixed = value.model.kind === 'shipped';
  const chosen = isFixed ? 'core' : value.toolspace;
  return (
    <Field label="Tasks of">
      <select
        value={chosen}
        title={TOOLSPACE_HINTS[chosen]}
        disabled={isFixed}
        onChange={({ currentTarget }) => set({ toolspace: toolspaceNamed(currentTarget.value) })}
      >
        {(['core', 'full'] as const).map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </Field>
  );
}

function KeptField({ value, set }: SettingsProps) {
  return (
    <Field label="Kept for gradients">
      <select
        value={value.memory.checkpoints ?? ''}
        title="What is not kept is computed a second time"
        onChange={({ currentTarget }) => {
          const kept = KEPT.find((item) => (item.value ?? '') === currentTarget.value)?.value;
          set({ memory: kept === undefined ? {} : { checkpoints: kept } });
        }}
      >
        {KEPT.map((item) => (
          <option key={item.label} value={item.value ?? ''}>
            {item.label}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** What the run takes of the GPU's memory, before it starts; with dashes until that is known, so that nothing moves then. */
function Plan({ plan }: { plan: TrainingPlan | null }) {
  const shown = (size: number | undefined) => (size === undefined ? '–' : bytes(size));
  const parts = PLAN_PARTS.map(({ name, of }) => ({
    name,
    size: plan === null ? undefined : of(plan),
  }));
  return (
    <section class="plan" aria-label="GPU memory">
      <p>
        <strong>{shown(plan?.total)}</strong> of GPU memory
      </p>
      <ul class="plan-parts">
        {parts.map(({ name, size }) => (
          <li key={name}>
            {name} <span class="quiet">{shown(size)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
