// @ts-check
import { setTimeout as pause } from 'node:timers/promises'

/** So few connections that calls wait for one. */
export const CONNECTIONS = 2

/** How long to wait for a connection, in ms. */
export const PATIENCE = 1_500

/** How to hold all connections of a pool for so many ms. @param {() => Promise<() => void>} take takes a connection; resolves with how to give it back */
export function occupying(take) {
  const one = async (/** @type {number} */ ms) => {
    const until = performance.now() + ms
    try {
      const release = await take()
      await pause(Math.max(0, until - performance.now()))
      release()
    } catch {
      // There was none to hold.
    }
  }
  return (/** @type {number} */ ms) => Promise.all(Array.from({ length: CONNECTIONS }, () => one(ms)))
}
