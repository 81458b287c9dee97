// @ts-check
/** @import { Found, Server, ServerSpec, StartOptions } from './types.js' */
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { fastFolder } from './fast-folder.js'
import { findServer } from './find.js'
import { Guarded } from './guarded.js'
import { dockerOrders, environment, programOrders } from './orders.js'
import { freePort } from './port.js'
import { untilReady } from './ready.js'

const ATTEMPTS = 3

/**
 * Starts the server that was found, once.
 * @param {ServerSpec} spec @param {Exclude<Found, { source: 'environment' }>} found @param {StartOptions} options
 * @returns {Promise<Server>}
 */
async function launch(spec, found, options) {
  const port = options.port ?? (await freePort())
  const folder = options.folder ?? (await mkdtemp(join(fastFolder(), 'durabledict-')))
  const orders =
    found.source === 'docker'
      ? dockerOrders(found.docker, folder, port)
      : await programOrders(spec, { ...found, folder, port })
  const args = typeof options.args === 'function' ? await options.args() : (options.args ?? [])
  const command = [...orders.command, ...args]
  const own = { folder: options.folder === undefined ? folder : undefined }
  const process = new Guarded({ ...orders, command, ...own }, environment('prefix' in found ? found.prefix : ''))
  try {
    await untilReady(process, port, spec)
  } catch (error) {
    throw new Error(`${/** @type {Error} */ (error).message}\n${await process.lastWords()}`, { cause: error })
  }
  process.unref()
  return { source: found.source, url: spec.url(port), port, pid: await process.pid, folder, stop: () => process.stop() }
}

/**
 * Finds a server and starts it on 127.0.0.1, on a free port, with an empty data folder. It ends with this process at
 * the latest, however that ends. A server that the environment points at is used and left unchanged.
 * @param {ServerSpec} spec
 * @param {StartOptions} [options]
 * @returns {Promise<Server>}
 */
export async function startServer(spec, options = {}) {
  const found = await findServer(spec)
  if (found.source === 'environment') return { ...found, stop: async () => {} }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(spec, found, options)
    } catch (cause) {
      // Another process may have taken the free port before the server listens on it.
      const again = attempt < ATTEMPTS && options.port === undefined
      if (!again) throw new Error(`${spec.name} did not start: ${/** @type {Error} */ (cause).message}`, { cause })
    }
  }
}
