// @ts-check
import { setTimeout as pause } from 'node:timers/promises'

/** So few connections that calls wait for one. */
export const CONNECTIONS = 2

/** How long to wait for a connection, in ms. */
export const PATIENCE = 1_500

/**
 * How to hold all connections of a pool for so many ms. A pool that lost its connections may never hand one out: that is not waited for.
 * @param {() => Promise<() => void>} take takes a connection; resolves with how to give it back
 */
export function occupying(take) {
  const hold = async (/** @type {Promise<unknown>} */ over) => {
    try {
      const release = await take()
      await over
      release()
    } catch {
      // There was none to hold.
    }
  }
  return async (/** @type {number} */ ms) => {
    const over = pause(ms)
    for (let held = 0; held < CONNECTIONS; held += 1) hold(over)
    await over
  }
}

/**
 * How to take a connection of `pg`. It may end together with its beginning, so nobody could listen for that any later.
 * @param {import('pg').Pool} pool @returns {() => Promise<() => void>}
 */
export const takingFrom = pool => () =>
  new Promise((resolve, reject) => {
    pool.connect((error, client, release) => {
      if (!client) return reject(error)
      const ignore = () => {}
      client.on('error', ignore)
      resolve(() => {
        release()
        client.off('error', ignore)
      })
    })
  })
