import { defineConfig } from 'vitest/config';

const minuteMs = 60_000;

/** Three rings: what needs nothing, what needs this machine, what needs a guest. */
export default defineConfig({
  test: {
    allowOnly: process.env['SMOLVM_CI'] === undefined,
    coverage: { include: ['src/**/*.ts'], exclude: ['**/*.test.ts'], reporter: ['text-summary', 'html'] },
    projects: [
      {
        test: { name: 'pure', include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'] },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts', 'test/package/**/*.test.ts'],
          globalSetup: ['test/support/build-dist.ts'],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 2 * minuteMs,
          hookTimeout: 2 * minuteMs,
        },
      },
    ],
  },
});
