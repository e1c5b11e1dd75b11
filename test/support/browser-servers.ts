// Servers for the tests inside a page: other origins than the page's.
import type { TestProject } from 'vitest/node';
import { serveCors } from './cors-server.ts';
import { startOAuth } from './oauth-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    corsServer: string;
    oauthServer: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cors = await serveCors();
  const oauth = await startOAuth();
  project.provide('corsServer', cors.url);
  project.provide('oauthServer', oauth.server);
  return async () => {
    await cors.close();
    await oauth.close();
  };
}
