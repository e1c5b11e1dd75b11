// The test projects: unit (node), gpu (node on Dawn), browser (tests inside a page) and
// e2e (tests that drive the built page from outside).
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { browserFlags, findBrowser } from './scripts/browser.mjs';

const GPU_TIMEOUT_MS = 120_000;
const executablePath = findBrowser();

export default defineConfig({
  test: {
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/unit/**/*.test.tsx', 'test/examples/**/*.ts'],
          environment: 'node',
          pool: 'forks',
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'gpu',
          include: ['test/{kernels,grad,golden,engine,train}/**/*.test.ts'],
          environment: 'node',
          pool: 'forks',
          maxWorkers: 1,
          setupFiles: ['test/support/device.ts'],
          testTimeout: GPU_TIMEOUT_MS,
          hookTimeout: GPU_TIMEOUT_MS,
        },
      },
      {
        extends: true,
        optimizeDeps: {
          include: [
            ...['wesl', 'comlink', 'zod', 'acorn', 'quickjs-emscripten-core'],
            ...['@jitl/quickjs-ng-wasmfile-release-sync', '@wllama/wllama/esm/index.js'],
            ...[
              '@modelcontextprotocol/client',
              '@modelcontextprotocol/client/validators/cf-worker',
            ],
          ],
        },
        test: {
          name: 'browser',
          include: ['test/{browser,peer}/**/*.test.ts'],
          globalSetup: ['test/support/browser-servers.ts'],
          testTimeout: GPU_TIMEOUT_MS,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                args: browserFlags(),
                ...(executablePath === null ? {} : { executablePath }),
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          environment: 'node',
          pool: 'forks',
          maxWorkers: 1,
          globalSetup: ['test/support/page-server.ts'],
          testTimeout: GPU_TIMEOUT_MS,
          hookTimeout: GPU_TIMEOUT_MS,
          // What a page shows in the end, not how fast: a cold start on a busy machine takes more than the usual second.
          expect: { poll: { timeout: 20_000 } },
        },
      },
    ],
  },
});
