// What the next episode is about: a drawn task or a request of the user's own, and the servers that it shows.
import { useEffect } from 'preact/hooks';
import { SHIPPED_MODELS } from '../../base/shipped-models.ts';
import { Field, type Option, Segmented } from '../parts/small.tsx';
import {
  asking,
  builtIns,
  chooseBuiltIn,
  chosenBuiltIns,
  missing,
  refreshBuiltIns,
  request,
} from '../state/request-state.ts';
import { connected, refreshServers, shownServers, showServer } from '../state/servers-state.ts';
import { attempt, problem } from '../state/session.ts';
import { type Chosen, chosen, playedSpace } from '../state/task-state.ts';

const KINDS: readonly Option<'drawn' | 'own'>[] = [
  { value: 'drawn', label: 'A task', hint: 'Drawn, with a known solution that it is scored by' },
  { value: 'own', label: 'Your own request', hint: 'On servers that you choose; not judged' },
];

export function RequestKind({ busy }: { busy: boolean }) {
  const canAsk = problem.value !== 'checking';
  useEffect(() => {
    if (canAsk) void attempt(refreshServers);
  }, [canAsk]);
  return (
    <Segmented
      legend="Play"
      options={KINDS}
      value={asking.value}
      disabled={busy}
      onChange={(value) => {
        asking.value = value;
      }}
    />
  );
}

export function OwnRequest({ busy }: { busy: boolean }) {
  const canAsk = problem.value !== 'checking';
  const toolspace = playedSpace.value;
  useEffect(() => {
    if (canAsk) void attempt(() => refreshBuiltIns(toolspace));
  }, [canAsk, toolspace]);
  return (
    <>
      <h2 id="own-request-title" class="visually-hidden">
        Your own request
      </h2>
      <Field label="Your own request">
        <textarea
          rows={3}
          maxLength={4000}
          value={request.value}
          disabled={busy}
          placeholder="What should be looked up or done?"
          onInput={(event) => {
            request.value = event.currentTarget.value;
          }}
        />
      </Field>
      <Checks
        legend="On these built-in servers"
        busy={busy}
        names={builtIns.value}
        isChecked={(name) => chosenBuiltIns.value.has(name)}
        onChange={chooseBuiltIn}
      />
    </>
  );
}

/** Servers of the user's own beside what the task shows, and what to expect of who plays. */
export function OwnServers({ busy }: { busy: boolean }) {
  const names = connected.value.map(({ name }) => name);
  const isOwn = asking.value === 'own';
  const isNew = isOwn || shownServers.value.length > 0;
  const who = smallPlayer(chosen.value);
  return (
    <>
      {names.length === 0 ? null : (
        <Checks
          legend={isOwn ? 'and on your own servers' : 'Your own servers beside the task’s'}
          busy={busy}
          names={names}
          isChecked={(name) => shownServers.value.includes(name)}
          onChange={showServer}
        />
      )}
      {isOwn ? (
        <p class="hint">
          Nobody knows the solution of such a request, so it is not judged: no score, no reward.
          {missing.value === null ? null : <strong> {missing.value}</strong>}
        </p>
      ) : null}
      {shownServers.value.length === 0 ? null : (
        <p class="hint">
          Who plays may call any tool of them, also those that change things, with whatever it makes
          up.
        </p>
      )}
      {isOwn && chosen.value.kind === 'teacher' ? (
        <p class="hint">
          The teacher is a script that knows the solutions of drawn tasks: it cannot play a request
          of yours. Choose a model.
        </p>
      ) : null}
      {isNew && who !== null ? (
        <p class="hint">
          {who} was trained on tasks of the four servers of core alone, not on other tools or
          requests: expect mistakes. With calls that are held, those it makes follow the schemas at
          least.
        </p>
      ) : null}
    </>
  );
}

/** The name of a player that only knows the core tools, or null. */
function smallPlayer(who: Chosen): string | null {
  if (who.kind === 'shipped') return who.name;
  if (who.kind !== 'trained') return null;
  return SHIPPED_MODELS.find((name) => name === who.base.model) ?? null;
}

function Checks(props: {
  legend: string;
  busy: boolean;
  names: readonly string[];
  isChecked: (name: string) => boolean;
  onChange: (name: string, isChecked: boolean) => void;
}) {
  const { legend, busy, names, isChecked, onChange } = props;
  return (
    <fieldset class="segmented" disabled={busy}>
      <legend>{legend}</legend>
      <div class="checks">
        {names.map((name) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={isChecked(name)}
              onChange={({ currentTarget }) => onChange(name, currentTarget.checked)}
            />
            {name}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
