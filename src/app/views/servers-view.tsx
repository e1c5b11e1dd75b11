// MCP servers of the user's own: added, connected, looked through when they fail.
import { signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ServerAccess, ServerListing } from '../../workers/client.ts';
import { plural } from '../logic/format.ts';
import { ConsentNotice } from '../parts/consents.tsx';
import { DiagnosisReport } from '../parts/diagnosis.tsx';
import { ServerTools } from '../parts/server-tools.tsx';
import { Badge, Field, type Option, Segmented, type Tone } from '../parts/small.tsx';
import {
  addServer,
  cancelServer,
  checkServer,
  connectServer,
  consents,
  diagnoses,
  giveToken,
  refreshServers,
  removeServer,
  servers,
  signIn,
  signOut,
} from '../state/servers-state.ts';
import { attempt, problem } from '../state/session.ts';

const ACCESS: readonly Option<ServerAccess>[] = [
  { value: 'none', label: 'Nothing', hint: 'Anybody may use the server' },
  { value: 'token', label: 'Token', hint: 'A bearer token that you have' },
  { value: 'sign-in', label: 'Sign in', hint: 'OAuth, in a window of the server' },
];

const name = signal('');
const url = signal('');
const access = signal<ServerAccess>('none');
const token = signal('');
const ready = () => problem.value !== 'checking';

export function ServersView() {
  const canList = ready();
  useEffect(() => {
    if (canList) void attempt(refreshServers);
  }, [canList]);
  const list = servers.value;
  return (
    <>
      <header class="hero hero-small">
        <h1>Your own MCP servers</h1>
        <p>
          The page talks to them itself, over streamable HTTP, with no server of ours between. What
          a connected server shows can stand beside the tools of any task on the Run page.
        </p>
      </header>
      <AddServer />
      {list !== null && list.length === 0 ? (
        <p class="quiet">None yet. The built-in servers come with every task.</p>
      ) : null}
      <ul class="servers">
        {(list ?? []).map((server) => (
          <ServerCard key={server.name} server={server} />
        ))}
      </ul>
    </>
  );
}

/** Adds what the form says, empties it, and connects. */
async function add(): Promise<void> {
  const entry = { name: name.value, url: url.value, access: access.value };
  await addServer(entry, token.value);
  name.value = '';
  url.value = '';
  token.value = '';
  await connectServer(entry.name);
}

function AddServer() {
  const isWhole = name.value !== '' && url.value !== '';
  const hasToken = access.value !== 'token' || token.value !== '';
  return (
    <section class="card add-model" aria-labelledby="add-server-title">
      <h2 id="add-server-title" class="section-title">
        Add a server
      </h2>
      <form
        class="add-server"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(add);
        }}
      >
        <div class="add-server-fields">
          <NameField />
          <AddressField />
        </div>
        <Segmented
          legend="It asks for"
          options={ACCESS}
          value={access.value}
          onChange={(value) => {
            access.value = value;
          }}
        />
        {access.value === 'token' ? <TokenField label="Token" value={token} /> : null}
        <p class="hint">
          Names and addresses stay in this browser. Tokens, and what stands behind a ? in an
          address, go with this tab: a key elsewhere in an address stays with it.
        </p>
        <p>
          <button
            type="submit"
            class="button button-primary"
            disabled={!ready() || !isWhole || !hasToken}
          >
            Add
          </button>
        </p>
      </form>
    </section>
  );
}

function NameField() {
  return (
    <Field label="Name">
      <input
        type="text"
        value={name.value}
        placeholder="my-server"
        pattern="[A-Za-z0-9_\-]{1,32}"
        title="1 to 32 letters, digits, _ or -"
        autocapitalize="off"
        autocomplete="off"
        spellcheck={false}
        required
        onInput={(event) => {
          name.value = event.currentTarget.value.trim();
        }}
      />
    </Field>
  );
}

function AddressField() {
  return (
    <Field label="Address">
      <input
        type="url"
        value={url.value}
        placeholder="https://example.org/mcp"
        autocomplete="off"
        required
        onInput={(event) => {
          url.value = event.currentTarget.value.trim();
        }}
      />
    </Field>
  );
}

function TokenField({ label, value }: { label: string; value: { value: string } }) {
  return (
    <Field label={label}>
      <input
        type="password"
        value={value.value}
        autocomplete="off"
        required
        onInput={(event) => {
          value.value = event.currentTarget.value.trim();
        }}
      />
    </Field>
  );
}

const STATES: Readonly<Record<ServerListing['state'], { text: string; tone: Tone }>> = {
  idle: { text: 'not connected', tone: 'plain' },
  connecting: { text: 'connecting…', tone: 'plain' },
  ready: { text: 'connected', tone: 'good' },
  failed: { text: 'failed', tone: 'bad' },
};

const WAITING = { text: 'waiting for you to sign in', tone: 'accent' } as const;

function ServerCard({ server }: { server: ServerListing }) {
  const { name: called, url: address, access: how, state, catalogue, error, needs } = server;
  const consent = consents.value.find((one) => one.server === called);
  const { text, tone } = consent === undefined ? STATES[state] : WAITING;
  const diagnosis = diagnoses.value.get(called);
  return (
    <li class="card server-card">
      <header class="server-head">
        <h2 class="run-name">{called}</h2>
        <p class="run-facts">
          <Badge tone={tone}>{text}</Badge>
          {how === 'none' ? null : <Badge>{how}</Badge>}
          {catalogue === null ? null : (
            <>
              <Badge>MCP {catalogue.protocol}</Badge>
              <Badge>{plural(catalogue.tools.length, 'tool')}</Badge>
            </>
          )}
        </p>
      </header>
      <p class="model-source quiet">{address}</p>
      {needs === 'address' ? (
        <p>Its address had a query, which went with its tab: remove the server and add it again.</p>
      ) : null}
      {consent === undefined ? null : <ConsentNotice consent={consent} />}
      {error === null ? null : <p class="server-error">{error.message}</p>}
      {diagnosis === undefined ? null : <DiagnosisReport name={called} diagnosis={diagnosis} />}
      {catalogue === null ? null : <ServerTools catalogue={catalogue} />}
      {needs === 'token' || error?.code === 'sign_in_needed' ? (
        <OtherAccess name={called} access={how} />
      ) : null}
      <Actions server={server} />
    </li>
  );
}

/** For a server that lets nobody in with what it was given. */
function OtherAccess({ name: called, access: how }: { name: string; access: ServerAccess }) {
  // Of this server alone: a token that was typed for another must not stand here.
  const otherToken = useSignal('');
  return (
    <form
      class="other-access"
      onSubmit={(event) => {
        event.preventDefault();
        const given = otherToken.value;
        otherToken.value = '';
        void attempt(() => giveToken(called, given));
      }}
    >
      <TokenField label={`Token of ${called}`} value={otherToken} />
      <button
        type="submit"
        class="button"
        aria-label={`Use it, ${called}`}
        disabled={otherToken.value === ''}
      >
        Use it
      </button>
      {how === 'sign-in' ? null : (
        <button
          type="button"
          class="button button-quiet"
          aria-label={`Sign in instead, ${called}`}
          onClick={() => attempt(() => signIn(called))}
        >
          Sign in instead
        </button>
      )}
    </form>
  );
}

function Actions({ server }: { server: ServerListing }) {
  const { name: called, state, access: how, needs } = server;
  const connect = state === 'ready' ? 'Reconnect' : 'Connect';
  const isChecked = diagnoses.value.get(called) === null;
  return (
    <p class="run-actions">
      {state === 'connecting' ? (
        <button
          type="button"
          class="button"
          aria-label={`Cancel ${called}`}
          onClick={() => attempt(() => cancelServer(called))}
        >
          Cancel
        </button>
      ) : (
        <button
          type="button"
          class="button"
          aria-label={`${connect} ${called}`}
          disabled={needs !== null}
          onClick={() => attempt(() => connectServer(called))}
        >
          {connect}
        </button>
      )}
      <button
        type="button"
        class="button"
        aria-label={`Check ${called}`}
        disabled={needs === 'address' || isChecked}
        onClick={() => attempt(() => checkServer(called))}
      >
        Check
      </button>
      {how === 'none' || needs !== null || state === 'connecting' ? null : (
        <button
          type="button"
          class="button"
          aria-label={`Sign out of ${called}`}
          onClick={() => attempt(() => signOut(called))}
        >
          Sign out
        </button>
      )}
      <button
        type="button"
        class="button button-quiet"
        aria-label={`Remove ${called}`}
        onClick={() => {
          if (confirm(`Remove the server “${called}” and its tokens?`)) {
            void attempt(() => removeServer(called));
          }
        }}
      >
        Remove
      </button>
    </p>
  );
}
