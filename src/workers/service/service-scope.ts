// The part of a service worker's global scope that is used here; TypeScript's `WebWorker` library cannot stand beside `DOM`.

interface LifeEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

/** Some requests, of the Static Routing API: https://w3c.github.io/ServiceWorker/#dictdef-routercondition */
interface Route {
  condition: { not: { urlPattern: { pathname: string } } };
  source: 'network';
}

export interface InstallEvent extends LifeEvent {
  /** Not in every browser. */
  addRoutes?(routes: Route): Promise<void>;
}

interface MessageToWorker extends LifeEvent {
  readonly data: unknown;
  readonly ports: readonly MessagePort[];
}

interface FetchEvent extends LifeEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

export interface ServiceScope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(kind: 'install', listener: (event: InstallEvent) => void): void;
  addEventListener(kind: 'activate', listener: (event: LifeEvent) => void): void;
  addEventListener(kind: 'message', listener: (event: MessageToWorker) => void): void;
  addEventListener(kind: 'fetch', listener: (event: FetchEvent) => void): void;
}
