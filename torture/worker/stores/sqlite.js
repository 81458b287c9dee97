// @ts-check
/** @import { Connect } from '../store.js' */
import { NAME } from '../store.js'

/** @typedef {{ type: 'sqlite', file: string }} SqlitePlan */

/** @type {Connect<SqlitePlan>} */
export async function connect({ file }, common, built) {
  /** @type {typeof import('../../../dist/index.js')} */
  const { SqliteDict } = await built('index.js')
  return { open: options => SqliteDict.open(NAME, file, { ...common, ...options }), disconnect: () => {} }
}
