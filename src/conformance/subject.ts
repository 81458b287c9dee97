import type { Awaitable, Backend, Supports } from '../contract/backend.js'

/** Registers one test, like `test` or `it` of every runner. */
export interface RegisterTest {
  // Runners return different things, which do not matter.
  (name: string, run: () => Promise<void>): unknown
  /** Reports a skipped test. If the runner lacks it, deviations are not listed. */
  readonly skip?: ((name: string, run: () => Promise<void>) => unknown) | undefined
}

/** The test functions of a runner such as Vitest, Jest, `node:test` or Mocha. */
export interface Runner {
  readonly describe: (name: string, register: () => void) => unknown
  /** Or pass `it`. */
  readonly test?: RegisterTest | undefined
  readonly it?: RegisterTest | undefined
}

/** What a backend may lack: an optional method, a guarantee, support for bytes, or support for values of a megabyte. */
export type Capability = keyof Supports | 'bytes' | 'megabytes'

/** One separate store, created for one test. */
export interface Fixture {
  /** Returns a new backend on the same store at each call, like another process. */
  backend(): Awaitable<Backend<unknown>>
  /** Called after every backend was closed. */
  dispose(): Awaitable<void>
}

/** The options that a dictionary is opened with. */
export interface Mode {
  readonly autosync?: boolean | undefined
  readonly live?: boolean | undefined
  readonly consistency?: 'linearizable' | 'sequential' | undefined
}

/** The backend to test. */
export interface Subject {
  readonly name: string
  /** Creates an empty store that nothing else uses. */
  create(): Awaitable<Fixture>
  /**
   * The capabilities that the backend lacks, each with the reason. Tests that need them are reported as skipped,
   * and other tests check what happens instead. Default: none.
   */
  readonly missing?: { readonly [C in Capability]?: string | undefined } | undefined
  /** The modes to run in. Default: all of {@link MODES}. */
  readonly modes?: readonly Mode[] | undefined
  /** Whether a test starts only after the one before it has ended, for stores that take turns in one place. Default `false`. */
  readonly sequential?: boolean | undefined
  /** Multiplies every time limit, for slow stores and machines. Default 1. */
  readonly timeoutScale?: number | undefined
}

/** All modes in which a dictionary can be opened. */
export const MODES: readonly Mode[] = [
  { autosync: true },
  { autosync: false },
  { live: true, autosync: false },
  { live: true },
]
