// The page's end of what it does for the agent worker: windows for consent, and the session storage of the tab. Runs in the
// page. Must not know what the page shows.

import { ToolError } from '../base/errors.ts';
import { popUpConsent } from '../tools/auth/pop-up.ts';
import { type SessionStorage, sessionSecrets } from '../tools/auth/secret-store.ts';
import type { PageServices } from './server-api.ts';

/** A server wants its user to sign in. */
export interface Consent {
  /** Name of the server. */
  server: string;
  /** Origin of the authorisation server's page. */
  place: string;
  /** Opens the window, or opens it anew: to be called in the handler of a click, as browsers allow it only there. */
  open(): void;
  /** Gives up. */
  cancel(): void;
}

export interface PageServicesOptions {
  storage: SessionStorage;
  /** `window.open`. */
  open: (url: string, target: string, features: string) => object | null;
  /** All consents that are waited for now, whenever they change. */
  onConsents: (consents: readonly Consent[]) => void;
}

/** Serves what needs a window. */
export function pageServices({ storage, open, onConsents }: PageServicesOptions): PageServices {
  const secrets = sessionSecrets(storage);
  const waiting = new Map<string, Consent>();
  const tell = () => onConsents([...waiting.values()]);
  return {
    askConsent: (server, page) => {
      waiting.get(server)?.cancel();
      return new Promise<string>((resolve, reject) => {
        let window = new AbortController();
        const end = (settle: () => void): void => {
          if (waiting.get(server) === consent) waiting.delete(server);
          window.abort();
          tell();
          settle();
        };
        const consent: Consent = {
          server,
          place: new URL(page).origin,
          open: () => {
            window.abort();
            window = new AbortController();
            const { signal } = window;
            popUpConsent({ open, signal })(new URL(page)).then(
              (answer) => end(() => resolve(answer.toString())),
              (error: unknown) => {
                // One that was opened anew, or given up, has its end already.
                if (!signal.aborted) end(() => reject(error));
              },
            );
          },
          cancel: () => end(() => reject(new ToolError('cancelled', 'sign-in: cancelled'))),
        };
        waiting.set(server, consent);
        tell();
      });
    },
    endConsent: async (server) => waiting.get(server)?.cancel(),
    readSecret: async (key) => secrets.get(key),
    writeSecret: async (key, value) => secrets.set(key, value),
    deleteSecret: async (key) => secrets.delete(key),
  };
}
