// Entry point of the page: starts the workers and draws the frame.
import { render } from 'preact';
import { defined } from '../base/assert.ts';
import { App } from './app.tsx';
import { onModel } from './state/models-state.ts';
import { consents } from './state/servers-state.ts';
import { attempt, startSession } from './state/session.ts';
import { onEpisodeEvent } from './state/task-state.ts';
import { offerPageServers } from './state/tools-state.ts';
import { onMetrics, onProgress, onRun } from './state/train-state.ts';
import './styles/base.css';
import './styles/controls.css';
import './styles/episode.css';
import './styles/models.css';
import './styles/scores.css';
import './styles/servers.css';
import './styles/train.css';

render(<App />, defined(document.getElementById('app'), 'element #app'));
void attempt(
  () =>
    startSession({
      episode: ({ call, event }) => onEpisodeEvent(call, event),
      metrics: ({ run, metrics }) => onMetrics(run, metrics),
      progress: ({ run, progress }) => onProgress(run, progress),
      run: ({ run }) => onRun(run),
      model: ({ call, progress }) => onModel(call, progress),
      consents: (list) => {
        consents.value = list;
      },
    }),
  // Nobody waits for it, so it comes after what is waited for.
).then(offerPageServers);
