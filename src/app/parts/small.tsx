// Small building blocks: badges, bars, a choice of few, notices. They know no state of the page.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

export type Tone = 'plain' | 'good' | 'bad' | 'accent' | 'think';

export function Badge({ tone = 'plain', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}

/** A share in [0, 1] as a bar. Its number must stand beside it: the bar itself is not read out. */
export function Bar({ share, tone = 'accent' }: { share: number | null; tone?: Tone }) {
  const width = `${Math.min(1, Math.max(0, share ?? 0)) * 100}%`;
  return (
    <span class="bar" aria-hidden="true">
      <span class={`bar-fill bar-${tone}`} style={{ width }} />
    </span>
  );
}

export interface Option<T extends string> {
  value: T;
  label: string;
  hint?: string;
}

/** One of few, all in sight. */
export function Segmented<T extends string>(props: {
  legend: string;
  options: readonly Option<T>[];
  value: T;
  disabled?: boolean;
  onChange: (value: T) => void;
}) {
  const { legend, options, value, disabled = false, onChange } = props;
  const name = useId();
  return (
    <fieldset class="segmented" disabled={disabled}>
      <legend>{legend}</legend>
      <div class="segments">
        {options.map((option) => (
          <label key={option.value} title={option.hint} class="segment">
            <input
              type="radio"
              name={name}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** A field with its label above. */
export function Field({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child.
    <label class="field">
      <span class="field-label">{label}</span>
      {children}
    </label>
  );
}

/** A number that a person may change. */
export function NumberField(props: {
  label: string;
  value: number;
  min: number;
  max: number;
  step?: number | 'any';
  onChange: (value: number) => void;
}) {
  const { label, value, min, max, step = 1, onChange } = props;
  // What is being typed: another rendering must not take it away.
  const draft = useSignal<string | null>(null);
  return (
    <Field label={label}>
      <input
        type="number"
        value={draft.value ?? value}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
        }}
        min={min}
        max={max}
        step={step}
        onChange={(event) => {
          const { valueAsNumber } = event.currentTarget;
          draft.value = null;
          const whole = step === 1 ? Math.round(valueAsNumber) : valueAsNumber;
          if (Number.isFinite(whole)) onChange(Math.min(max, Math.max(min, whole)));
        }}
      />
    </Field>
  );
}

/** Something that went wrong, said at once. */
export function Alert({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <div class="alert" role="alert">
      <p>{text}</p>
      {children}
    </div>
  );
}

/** Something that a person should know, said when there is time. */
export function Notice({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <div class="notice" role="status">
      <p>{text}</p>
      {children}
    </div>
  );
}

/** A headline number with its name. */
export function Tile({ name, value, note }: { name: string; value: string; note?: string }) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>
        {value}
        {note === undefined ? null : <small>{note}</small>}
      </dd>
    </div>
  );
}

/** The page's mark: a compass on a pocket card. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <rect x="2" y="2" width="20" height="20" rx="6" />
      <path d="M12 5.2 14.4 12 12 18.8 9.6 12Z" />
      <path class="mark-cross" d="M5.2 12h3M15.8 12h3" />
    </svg>
  );
}
