// The frame of the page: its name, its five views, and what went wrong.
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { ConsentNotice } from './parts/consents.tsx';
import { Alert, Badge, Mark, Notice } from './parts/small.tsx';
import { consents } from './state/servers-state.ts';
import { announcement, device, died, failure, recovery } from './state/session.ts';
import { training } from './state/train-state.ts';
import { KeptView } from './views/kept-view.tsx';
import { ModelsView } from './views/models-view.tsx';
import { RunView } from './views/run-view.tsx';
import { ServersView } from './views/servers-view.tsx';
import { TrainView } from './views/train-view.tsx';

type Place = 'run' | 'servers' | 'train' | 'models' | 'kept';

const VIEWS: Readonly<Record<Place, { name: string; View: ComponentType }>> = {
  run: { name: 'Run', View: RunView },
  servers: { name: 'Servers', View: ServersView },
  train: { name: 'Train', View: TrainView },
  models: { name: 'Models', View: ModelsView },
  kept: { name: 'Kept', View: KeptView },
};
const PLACES: readonly Place[] = ['run', 'servers', 'train', 'models', 'kept'];

const place = signal<Place>(placeOf(location.hash));
addEventListener('hashchange', () => {
  place.value = placeOf(location.hash);
  failure.value = null;
  scrollTo(0, 0);
});

function placeOf(hash: string): Place {
  return PLACES.find((name) => hash === `#/${name}`) ?? 'run';
}

export function App() {
  const here = place.value;
  const { View } = VIEWS[here];
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/run">
          <Mark />
          Pocket Atlas
        </a>
        <nav aria-label="Views">
          {PLACES.map((name) => (
            <a
              key={name}
              href={`#/${name}`}
              class="tab"
              aria-current={name === here ? 'page' : undefined}
            >
              {VIEWS[name].name}
              {name === 'train' && training.value !== null ? <TrainingDot /> : null}
            </a>
          ))}
        </nav>
        <DeviceChip />
      </header>
      <main id="main" tabIndex={-1}>
        <Trouble />
        <Recovery />
        {here === 'servers' ? null : <Consents />}
        <View />
      </main>
      <p class="visually-hidden" aria-live="polite">
        {announcement.value}
      </p>
    </>
  );
}

function TrainingDot() {
  return (
    <>
      <span class="pulse" aria-hidden="true" />
      <span class="visually-hidden"> (at work)</span>
    </>
  );
}

function DeviceChip() {
  const found = device.value;
  if (found === null) return null;
  const { vendor, architecture, description, software } = found;
  return (
    <span class="device" title={`${vendor} ${architecture} ${description}`.trim()}>
      <Badge tone={software ? 'plain' : 'good'}>{software ? 'software GPU' : 'GPU ready'}</Badge>
    </span>
  );
}

/** The Servers page shows them where they belong. */
function Consents() {
  return consents.value.map((consent) => <ConsentNotice key={consent.server} consent={consent} />);
}

function Recovery() {
  if (recovery.value === null) return null;
  return (
    <Notice text={recovery.value}>
      <button
        type="button"
        class="button button-quiet"
        onClick={() => {
          recovery.value = null;
        }}
      >
        Put away
      </button>
    </Notice>
  );
}

function Trouble() {
  if (died.value !== null) {
    return (
      <Alert text={died.value}>
        <button type="button" class="button button-primary" onClick={() => location.reload()}>
          Reload
        </button>
      </Alert>
    );
  }
  if (failure.value === null) return null;
  return (
    <Alert text={failure.value}>
      <button
        type="button"
        class="button button-quiet"
        onClick={() => {
          failure.value = null;
        }}
      >
        Put away
      </button>
    </Alert>
  );
}
