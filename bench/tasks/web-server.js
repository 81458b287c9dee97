// @ts-check
// Serves one page by a framework. Asked for, it says how many checks it has made so far, and what time of the processor it took.
import { SqliteBackend } from '../../dist/backends/sqlite/sqlite-backend.js'
import { FaultyBackend } from '../../dist/conformance/faulty-backend.js'
import { DurableDict, SqliteDict } from '../../dist/index.js'
import { sites } from '../benches/web/sites.js'
import { makeEntries, makeKey } from '../samples.js'

/** @typedef {import('../types.js').Dict} Dict */

// Never without the process that started it.
process.on('disconnect', () => process.exit())

/** @type {{ framework: string, keys: number, file?: string, counted?: boolean, storage?: boolean, options?: { maxStaleness?: number } }} */
const { framework, keys, file, counted = false, storage = false, options = {} } = JSON.parse(process.argv[2] ?? '')

let checks = () => 0

/** @param {string} path @returns {Promise<Dict>} */
async function open(path) {
  if (!counted) return /** @type {Dict} */ (await SqliteDict.open('bench', path))
  const { OwnFile } = await import('../../dist/backends/sqlite/own-file.js')
  const { findEngine } = await import('../../dist/backends/sqlite/engine.js')
  const source = new OwnFile(path, 'bench', await findEngine('bench'))
  const faulty = new FaultyBackend(/** @type {any} */ (new SqliteBackend('bench', source, 5_000)))
  checks = () => faulty.count('changesSince', 'lastUpdated')
  return /** @type {Dict} */ (await DurableDict.open(faulty.backend))
}

const dict = file === undefined ? undefined : await open(file)
const content = { key: makeKey(1), map: new Map(makeEntries(keys)), options, storage, ...(dict && { dict }) }
const port = await sites[framework]?.(content)
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ checks: checks(), cpu: (user + system) * 1e3 })
})
process.send?.(port)
