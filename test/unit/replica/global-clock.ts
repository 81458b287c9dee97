/**
 * Replaces `src/time/clock.ts` if a test needs the library itself to follow fake timers: looks each global up when it
 * is called.
 */
export const setTimeout = (...args: Parameters<typeof globalThis.setTimeout>) => globalThis.setTimeout(...args)
export const clearTimeout = (timer?: NodeJS.Timeout) => globalThis.clearTimeout(timer)
export const setImmediate = (...args: Parameters<typeof globalThis.setImmediate>) => globalThis.setImmediate(...args)
export const queueMicrotask = (callback: () => void) => globalThis.queueMicrotask(callback)
export const nextTick = (...args: Parameters<typeof process.nextTick>) => process.nextTick(...args)
export const now = () => performance.now()
export { setTimeout as delay } from 'node:timers/promises'
