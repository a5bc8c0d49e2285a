import { defineConfig } from 'vitest/config';

const source = (path: string) => new URL(path, import.meta.url).pathname;
/** What takes the place of a module must come before anybody else has that module. */
const MOCKING = ['test/webhooks/outbound.test.ts'];

export default defineConfig({
  resolve: {
    // Under test our own name means the sources, as in the tests' relative imports; never a second copy from dist/.
    alias: [
      { find: /^handover\/store\/datastore$/, replacement: source('src/store/datastore/datastore.ts') },
      { find: /^handover\/dispatch\/pubsub$/, replacement: source('src/dispatch/pubsub.ts') },
      { find: /^handover$/, replacement: source('src/index.ts') },
      { find: /^handover\/router$/, replacement: source('src/router/router.ts') },
      { find: /^handover\/webhooks$/, replacement: source('src/webhooks/index.ts') },
      { find: /^handover\/testing$/, replacement: source('src/testing/index.ts') },
      { find: /^handover\/(store\/.+)$/, replacement: `${source('src/')}$1.ts` },
    ],
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'handover',
          include: ['test/**/*.test.ts'],
          exclude: ['test/datastore/**', 'test/solid/**', 'test/page/**', ...MOCKING],
          globalSetup: ['test/globalSetup.ts'],
        },
      },
      { extends: true, test: { name: 'mocking', include: MOCKING, isolate: true } },
      // What needs emulators is on its own, so that they are started only when one of these tests runs.
      {
        extends: true,
        test: {
          name: 'datastore',
          include: ['test/datastore/**/*.test.ts'],
          globalSetup: ['test/globalSetup.ts', 'test/emulators/globalSetup.ts'],
          testTimeout: 120_000,
        },
      },
      // So is the server that is installed only for this, and takes a while to start.
      {
        extends: true,
        test: {
          name: 'solid',
          include: ['test/solid/**/*.test.ts'],
          globalSetup: ['test/globalSetup.ts', 'test/solid/globalSetup.ts'],
        },
      },
      // And the browser.
      {
        extends: true,
        test: {
          name: 'page',
          include: ['test/page/**/*.test.ts'],
          globalSetup: ['test/globalSetup.ts', 'test/page/globalSetup.ts'],
        },
      },
    ],
    // Processes, not threads: stores are native code, and some tests end processes of their own.
    pool: 'forks',
    maxWorkers: 2,
    // One process for many files: each loads what it imports once, and runs it hot. Tests leave nothing behind in it.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    reporters: ['default', ['json', { outputFile: 'test-results/results.json' }]],
  },
});
