import { defineConfig } from 'vitest/config'
import { textModules } from './scripts/build/text-modules.js'

/** These start processes of their own, or measure time: one file at a time, after everything else. */
const ALONE = [
  'test/**/processes.test.ts',
  'test/**/modern-node.test.ts',
  'test/bench/**/*.test.ts',
  'test/demo/**/*.test.ts',
  'test/torture/**/*.test.ts',
]

export default defineConfig({
  plugins: [textModules()],
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
          exclude: ALONE,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
