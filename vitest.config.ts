import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Child processes rather than threads: native modules, signals and a heap of its own for every test file.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    // Starting a server may first have to install it.
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'library',
          include: ['test/**/*.test.ts'],
          exclude: ['test/multi-process/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // These start processes of their own: one file at a time, after everything else.
        extends: true,
        test: {
          name: 'multi-process',
          include: ['test/multi-process/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
