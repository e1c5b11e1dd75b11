// Servers that wait for their user to sign in. The window opens in the handler of a click: browsers allow it only there.
import type { Consent } from '../../workers/client.ts';
import { Notice } from './small.tsx';

export function ConsentNotice({ consent }: { consent: Consent }) {
  const { server, place, open, cancel } = consent;
  return (
    <Notice text={`The server ${server} wants you to sign in at ${place}.`}>
      <span class="notice-actions">
        <button
          type="button"
          class="button button-primary"
          aria-label={`Sign in to ${server}`}
          onClick={open}
        >
          Sign in
        </button>
        <button
          type="button"
          class="button button-quiet"
          aria-label={`Not now, ${server}`}
          onClick={cancel}
        >
          Not now
        </button>
      </span>
    </Notice>
  );
}
