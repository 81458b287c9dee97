import { defineConfig } from 'vitest/config'
import { textModules } from './scripts/build/text-modules.js'
import { LANES } from './scripts/lanes.js'

/** These measure time: one file at a time, after everything else. */
const ALONE = ['programs']

export default defineConfig({
  plugins: [textModules()],
  test: {
    // Child processes rather than threads: native modules, signals and a heap of its own for every test file.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    // Starting a server may first have to install it.
    hookTimeout: 300_000,
    projects: Object.entries(LANES).map(([name, { include, exclude = [] }]) => ({
      extends: true,
      test: {
        name,
        include: [...include],
        exclude: [...exclude],
        ...(ALONE.includes(name) ? { maxWorkers: 1, sequence: { groupOrder: 1 } } : { sequence: { groupOrder: 0 } }),
      },
    })),
  },
})
