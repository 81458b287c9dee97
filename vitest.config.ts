import { defineConfig } from 'vitest/config'
import { textModules } from './scripts/build/text-modules.js'
import { builtLibrary } from './scripts/built-library.js'
import { LANES } from './scripts/lanes.js'
import { SlowFirst } from './scripts/slow-first.js'

export default defineConfig({
  plugins: [textModules(), ...(process.env.TEST_BUILT ? [builtLibrary()] : [])],
  test: {
    // Child processes rather than threads: native modules, signals and a heap of its own for every test file.
    pool: 'forks',
    // More than twice the cores of a small machine: most tests wait for servers, processes and time limits.
    maxWorkers: 5,
    sequence: { sequencer: SlowFirst },
    // dist, its copies and its bundle are imported as they are: to transform each of them takes seconds.
    server: { deps: { external: [/\/\.cache\/(durabledict-torture-|test-bundle\/)/, /\/dist\//] } },
    testTimeout: 60_000,
    // Starting a server may first have to install it.
    hookTimeout: 300_000,
    // How long `expect.poll` waits for what it expects: one second can pass while other tests keep the cores busy.
    expect: { poll: { timeout: 30_000 } },
    projects: Object.entries(LANES).map(([name, { include, exclude = [] }]) => ({
      extends: true,
      test: { name, include: [...include], exclude: [...exclude] },
    })),
  },
})
