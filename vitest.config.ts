import { defineConfig } from 'vitest/config';

const source = (path: string) => new URL(path, import.meta.url).pathname;

export default defineConfig({
  resolve: {
    // Under test our own name means the sources, as in the tests' relative imports; never a second copy from dist/.
    alias: [
      { find: /^handover$/, replacement: source('src/index.ts') },
      { find: /^handover\/router$/, replacement: source('src/router/router.ts') },
      { find: /^handover\/testing$/, replacement: source('src/store/memory.ts') },
      { find: /^handover\/(store\/.+)$/, replacement: `${source('src/')}$1.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/globalSetup.ts'],
    // Processes, not threads: stores are native code, and some tests end processes of their own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    reporters: ['default', ['json', { outputFile: 'test-results/results.json' }]],
  },
});
