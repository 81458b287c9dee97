import type { Awaitable, Backend, Supports } from '../contract/backend.js'

/** Registers one test. Every runner's `test` or `it` is one. */
export interface RegisterTest {
  // What a runner's function gives back differs between runners, and does not matter.
  (name: string, run: () => Promise<void>): unknown
  /** Reports a test that is not run. Where the runner has none, deviations are not listed. */
  readonly skip?: ((name: string, run: () => Promise<void>) => unknown) | undefined
}

/** The test functions of any runner: of Vitest, Jest, `node:test`, Mocha … */
export interface Runner {
  readonly describe: (name: string, register: () => void) => unknown
  /** Or `it`. */
  readonly test?: RegisterTest | undefined
  readonly it?: RegisterTest | undefined
}

/** What a backend may lack: an optional method, a guarantee, to hold bytes besides text, or values of a megabyte. */
export type Capability = keyof Supports | 'bytes' | 'megabytes'

/** One store of its own, made for one test. */
export interface Fixture {
  /** A new backend over the same store at each call, as another process would have it. */
  backend(): Awaitable<Backend<unknown>>
  /** Called when every backend has been closed. */
  dispose(): Awaitable<void>
}

/** How a dictionary is opened. */
export interface Mode {
  readonly autosync?: boolean | undefined
  readonly live?: boolean | undefined
  readonly consistency?: 'linearizable' | 'sequential' | undefined
}

/** What is tested. */
export interface Subject {
  readonly name: string
  /** A store that is empty, and that nothing else uses. */
  create(): Awaitable<Fixture>
  /**
   * The capabilities that the backend lacks, each with the reason. What needs them is then reported as skipped,
   * and what happens instead is tested. Default: it has all of them.
   */
  readonly missing?: { readonly [C in Capability]?: string | undefined } | undefined
  /** The modes to run in. Default: all of {@link MODES}. */
  readonly modes?: readonly Mode[] | undefined
  /** Multiplies every time limit, for slow stores and machines. Default 1. */
  readonly timeoutScale?: number | undefined
}

/** Every mode that a dictionary can be opened in. */
export const MODES: readonly Mode[] = [
  { autosync: true },
  { autosync: false },
  { live: true, autosync: false },
  { live: true },
]
