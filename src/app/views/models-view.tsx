// Models that a person brings: found, downloaded or copied once, then kept in this browser.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ModelListing, ModelOffer, ModelProgress } from '../../workers/client.ts';
import { bytes } from '../logic/format.ts';
import { progressText } from '../logic/model-progress.ts';
import { Badge, Field } from '../parts/small.tsx';
import { StorageUse } from '../parts/storage-use.tsx';
import {
  addModel,
  cancelModel,
  coming,
  findModels,
  importModel,
  models,
  offers,
  quantise,
  refreshModels,
  removeModel,
  resumeModel,
  searching,
} from '../state/models-state.ts';
import { attempt, problem } from '../state/session.ts';
import { chosen, working } from '../state/task-state.ts';

const place = signal('');
const ready = () => problem.value !== 'checking';

export function ModelsView() {
  const canList = ready();
  useEffect(() => {
    if (canList) void attempt(refreshModels);
  }, [canList]);
  const onTheWay = [...coming.value];
  const busy = new Set(onTheWay.map(([, progress]) => progress?.name));
  const kept = (models.value ?? []).filter(({ name }) => !busy.has(name));
  return (
    <>
      <header class="hero hero-small">
        <h1>Your own models</h1>
        <p>
          A model is brought once and stays in this browser until you delete it. From then on it
          needs no connection.
        </p>
        <StorageUse />
      </header>
      <AddModel />
      {models.value !== null && kept.length + onTheWay.length === 0 ? (
        <p class="quiet">None yet. nano and rookie come with the page.</p>
      ) : null}
      <ul class="runs">
        {onTheWay.map(([call, progress]) => (
          <Coming key={call} progress={progress} />
        ))}
        {kept.map((model) => (
          <ModelCard key={model.name} model={model} />
        ))}
      </ul>
    </>
  );
}

/** What matrices of safetensors may become: 8 or 4 bits, or what they are. */
const READ_AS = ['Q8_0', 'Q4_0', 'none'] as const;

function AddModel() {
  return (
    <section class="card add-model" aria-labelledby="add-title">
      <h2 id="add-title" class="section-title">
        Add a model
      </h2>
      <form
        class="add-place"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(() => findModels(place.value));
        }}
      >
        <Field label="Hugging Face repository, or address of a file">
          <input
            type="text"
            value={place.value}
            placeholder="owner/name-GGUF:Q8_0 or https://…/model.gguf"
            autocapitalize="off"
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => {
              place.value = event.currentTarget.value.trim();
            }}
          />
        </Field>
        <button
          type="submit"
          class="button button-primary"
          disabled={!ready() || searching.value || place.value === ''}
        >
          Find
        </button>
      </form>
      <Field label="or from this machine: one GGUF file, all parts of one model, or all files of a folder with safetensors">
        <input
          type="file"
          accept=".gguf,.safetensors,.json,.jinja"
          multiple
          disabled={!ready()}
          onChange={(event) => {
            const { currentTarget } = event;
            const files = [...(currentTarget.files ?? [])];
            // The same file can be chosen again.
            currentTarget.value = '';
            if (files.length > 0) void attempt(() => importModel(files));
          }}
        />
      </Field>
      <Field label="Safetensors are read as">
        <select
          value={quantise.value}
          onChange={({ currentTarget }) => {
            quantise.value = READ_AS.find((item) => item === currentTarget.value) ?? 'Q8_0';
          }}
        >
          {READ_AS.map((item) => (
            <option key={item} value={item}>
              {item}
            </option>
          ))}
        </select>
      </Field>
      <Offers />
    </section>
  );
}

function Offers() {
  const list = offers.value;
  if (list.length === 0) return null;
  return (
    <ul class="offers" aria-label="Models found">
      {list.map((offer) => (
        <Offer key={offer.source} offer={offer} />
      ))}
    </ul>
  );
}

function Offer({ offer }: { offer: ModelOffer }) {
  const { name, files, sizeBytes } = offer;
  return (
    <li class="offer">
      <span class="offer-name">{name}</span>
      <span class="quiet">
        {sizeBytes === null ? 'size not known' : bytes(sizeBytes)}
        {files.length === 1 ? '' : `, ${files.length} files`}
      </span>
      <button
        type="button"
        class="button"
        aria-label={`Add ${name}`}
        onClick={() => attempt(() => addModel(offer))}
      >
        Add
      </button>
    </li>
  );
}

function Coming({ progress }: { progress: ModelProgress | null }) {
  if (progress === null) {
    return (
      <li class="card run-card">
        <p class="quiet">Asking…</p>
      </li>
    );
  }
  const { name, doneBytes, totalBytes } = progress;
  return (
    <li class="card run-card">
      <h2 class="run-name">{name}</h2>
      <progress
        class="model-progress"
        aria-label={`Progress of ${name}`}
        max={totalBytes ?? 1}
        {...(totalBytes === null ? {} : { value: doneBytes })}
      />
      <p class="model-line">{progressText(progress)}</p>
      <p class="run-actions">
        <button
          type="button"
          class="button"
          aria-label={`Cancel ${name}`}
          onClick={() => attempt(() => cancelModel(name))}
        >
          Cancel
        </button>
      </p>
    </li>
  );
}

function ModelCard({ model }: { model: ModelListing }) {
  const { name, state, source, hash, addedAt } = model;
  return (
    <li class="card run-card">
      <h2 class="run-name">{name}</h2>
      <p class="run-facts">
        <Badge tone={state === 'ready' ? 'plain' : 'bad'}>{sizeText(model)}</Badge>
        {hash === null ? null : (
          <span class="quiet" title={`SHA-256 ${hash}`}>
            {hash.slice(0, 12)}
          </span>
        )}
        {state === 'damaged' ? null : (
          <time class="quiet" dateTime={new Date(addedAt).toISOString()}>
            {new Date(addedAt).toLocaleString()}
          </time>
        )}
      </p>
      <p class="model-source quiet">{source}</p>
      <Actions model={model} />
    </li>
  );
}

function sizeText({ state, sizeBytes, doneBytes }: ModelListing): string {
  if (state === 'damaged') return 'damaged: delete it';
  if (state === 'ready') return bytes(doneBytes);
  return sizeBytes === null
    ? `${bytes(doneBytes)} so far`
    : `${bytes(doneBytes)} of ${bytes(sizeBytes)} so far`;
}

function Actions({ model }: { model: ModelListing }) {
  const { name, state, fromServer, hash } = model;
  return (
    <p class="run-actions">
      {hash === null ? null : (
        <button
          type="button"
          class="button"
          aria-label={`Use ${name} in Run`}
          disabled={working.value !== null}
          onClick={() => {
            chosen.value = { kind: 'stored', name, hash };
            location.hash = '#/run';
          }}
        >
          Use in Run
        </button>
      )}
      {state === 'unfinished' && fromServer ? (
        <button
          type="button"
          class="button"
          aria-label={`Resume ${name}`}
          onClick={() => attempt(() => resumeModel(name))}
        >
          Resume
        </button>
      ) : null}
      <button
        type="button"
        class="button button-quiet"
        aria-label={`Delete ${name}`}
        onClick={() => {
          if (confirm(`Delete the model “${name}” from this browser?`)) {
            void attempt(() => forget(name));
          }
        }}
      >
        Delete
      </button>
    </p>
  );
}

async function forget(name: string): Promise<void> {
  const who = chosen.value;
  if (who.kind === 'stored' && who.name === name) chosen.value = { kind: 'shipped', name: 'nano' };
  await removeModel(name);
}
