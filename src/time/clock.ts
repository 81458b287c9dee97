/**
 * Timers and the monotonic clock, captured when the library is imported. Test runners replace the globals with fake timers
 * (Vitest, Jest and `@sinonjs/fake-timers` all do), and a dictionary must keep working then. The lint rule `noRestrictedGlobals`
 * therefore forbids the globals in the rest of the library. The functions come from Node's modules because a test may import the
 * library after it replaced the globals.
 */
import { performance } from 'node:perf_hooks'
import * as timers from 'node:timers'
import * as promises from 'node:timers/promises'

export const setTimeout: typeof globalThis.setTimeout = timers.setTimeout
export const clearTimeout: typeof globalThis.clearTimeout = timers.clearTimeout
export const setImmediate: typeof globalThis.setImmediate = timers.setImmediate
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask
export const nextTick: typeof process.nextTick = process.nextTick

/** Resolves after `ms` milliseconds; rejects when the signal is aborted. The promise form of `setTimeout`. */
export const delay: typeof promises.setTimeout = promises.setTimeout

/** Milliseconds on the monotonic clock. */
export const now: () => number = performance.now.bind(performance)
