// Consent in a pop-up window. The page is isolated from other origins (COOP), so it loses sight of the window as soon as
// that shows another site: the answer comes back over a BroadcastChannel of this origin, from oauth/callback.html, and that
// the user closed the window cannot be seen. Runs in the page, not in a worker.
import { ToolError } from '../../base/errors.ts';
import type { AskConsent } from './oauth.ts';

/** public/oauth/callback.js has the same name. */
export const CONSENT_CHANNEL = 'pocket-atlas-sign-in';
const WINDOW_FEATURES = 'popup,width=520,height=720';
const TIMEOUT_MS = 300_000;

export interface PopUpOptions {
  /** `window.open` of the page: browsers allow it in the handler of a click. */
  open: (url: string, target: string, features: string) => object | null;
  timeoutMs?: number;
  /** The user gave up. */
  signal?: AbortSignal;
}

/**
 * Asks for consent in a pop-up window.
 * @throws {ToolError} when the window is blocked, nothing comes back in time, or the signal aborts.
 */
export function popUpConsent({ open, timeoutMs = TIMEOUT_MS, signal }: PopUpOptions): AskConsent {
  return (page) =>
    new Promise((resolve, reject) => {
      const state = page.searchParams.get('state');
      const channel = new BroadcastChannel(CONSENT_CHANNEL);
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        channel.close();
        settle();
      };
      const fail = (code: string, message: string) =>
        end(() => reject(new ToolError(code, message)));
      const onAbort = () => fail('cancelled', 'sign-in: cancelled');
      const timer = setTimeout(() => {
        fail('sign_in_timeout', `sign-in: no answer within ${timeoutMs / 1000} s; try again`);
      }, timeoutMs);
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (typeof data !== 'string') return;
        const answer = new URLSearchParams(data);
        // Another tab may be signing in too.
        if (answer.get('state') === state) end(() => resolve(answer));
      };
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted) onAbort();
      else if (open(page.href, '_blank', WINDOW_FEATURES) === null) {
        fail('sign_in_blocked', 'sign-in: the browser blocked the window; allow pop-ups here');
      }
    });
}
