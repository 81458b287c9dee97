// @ts-check
/** @import { StoredRecord } from './stores.js' */

/** @typedef {(text: string, values?: unknown[]) => Promise<{ rows: any[] }>} Query */

/** Every cell of every table. @param {Query} query @returns {Promise<StoredRecord[]>} */
export async function postgresRecords(query) {
  const { rows } = await query(
    `SELECT table_name, column_name, data_type FROM information_schema.columns
     WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`,
  )
  const lists = await Promise.all(rows.map(row => cellsOf(query, row)))
  return lists.flat()
}

/** @param {Query} query @param {any} column @returns {Promise<StoredRecord[]>} */
async function cellsOf(query, { table_name: table, column_name: column, data_type: type }) {
  const { rows } = await query(`SELECT ctid::text AS at, "${column}"::text AS cell FROM "${table}" ORDER BY ctid`)
  return rows.map(({ at, cell }) => ({
    name: `${table}.${column} of row ${at}`,
    bytes: Buffer.from(cell ?? ''),
    put: bytes =>
      query(`UPDATE "${table}" SET "${column}" = $1::text::${type} WHERE ctid = $2::tid`, [bytes.toString('utf8'), at]),
    remove: () =>
      cell === null
        ? query(`DELETE FROM "${table}" WHERE ctid = $1::tid`, [at])
        : query(`UPDATE "${table}" SET "${column}" = NULL WHERE ctid = $1::tid`, [at]),
  }))
}
