// @ts-check
import { KEEP, NAME } from '../../worker/store.js'

/**
 * Where a dictionary has its data in PostgreSQL.
 * @typedef {object} Layout
 * @property {string} entries the table with a row for each entry, of this dictionary alone
 * @property {string} json of a row, the value as JSON text
 * @property {string} upsert of the key $1 and the JSON text $2
 * @property {string} heads the table with the version
 * @property {readonly string[]} tables what belongs together in a backup
 * @property {number} [pause] see `StoreServer`
 * @property {string} [begin] creates the head of another, empty dictionary
 */

/** The tables of `PostgresDict`. @type {Layout} */
export const ENTRIES = {
  entries: 'durabledict_entries',
  json: 'coalesce(encoded, value::text)',
  upsert:
    `INSERT INTO durabledict_entries (dictionary, key, value) VALUES ('${NAME}', $1, $2::jsonb) ` +
    'ON CONFLICT (dictionary, key) DO UPDATE SET value = excluded.value',
  heads: 'durabledict_heads',
  tables: [
    'durabledict_entries',
    'durabledict_heads',
    'durabledict_changes',
    'durabledict_commits',
    'durabledict_replicas',
  ],
  // With the policy: the default one drops commits.
  begin:
    'INSERT INTO durabledict_heads (dictionary, format, epoch, number, nonce, bytes, bound, history_epoch, position, floor, gone, keep, days) ' +
    `SELECT '${NAME}', 1, token, 0, token, 0, 0, token, 0, 0, 0, ${KEEP.keep}, ${KEEP.days} FROM md5(random()::text) token`,
}

/** A model's table, and the version tables. @type {Layout} */
export const MODEL = {
  entries: 'settings',
  json: 'value',
  upsert: 'INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  heads: 'durabledict_model_versions',
  // A write is a transaction of several round trips under a lock.
  pause: 300,
  tables: [
    'settings',
    'durabledict_model_versions',
    'durabledict_model_changes',
    'durabledict_model_commits',
    'durabledict_model_replicas',
  ],
}
