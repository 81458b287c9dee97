import { quoted } from '../../sql/dialect.js'
import { dialectOf } from '../../sql/dialects/dialects.js'
import { checkedColumns } from '../../sql/replies.js'
import type { SqlParameter, SqlSession } from '../../sql/sql-session.js'
import { TEXT } from './json-columns.js'
import type { Columns, ModelManager, RowQuery } from './manager.js'
import { plainValue } from './plain-value.js'

type Named = Pick<ModelManager, 'library' | 'dialect' | 'table' | 'column'>

/**
 * Reads columns by a statement of ours: plugins and extensions of the application, which may narrow, cache or convert what the
 * library reads, have no say. Columns of JSON come as text, whatever the driver would make of them.
 */
export async function plainRows(
  of: Named,
  session: SqlSession,
  isJson: (property: string) => boolean,
  query: RowQuery & { readonly columns: readonly string[] },
): Promise<Columns[]> {
  const { sql, parameters } = statementOf(of, isJson, query)
  const rows = checkedColumns<Columns>(of.library, query.columns, await session.query(sql, parameters))
  return rows.map(row => Object.fromEntries(query.columns.map(name => [name, plainValue(row[name])])))
}

function statementOf(
  of: Named,
  isJson: (property: string) => boolean,
  { columns, keyCol, keys, after, limit }: RowQuery & { readonly columns: readonly string[] },
): { sql: string; parameters: SqlParameter[] } {
  const dialect = dialectOf(of)
  const column = (name: string) => dialect.quote(of.column(name) ?? name)
  const selected = columns.map(name => {
    const value = isJson(name) ? `CAST(${column(name)} AS ${TEXT[of.dialect]})` : column(name)
    return `${value} AS ${dialect.quote(name)}`
  })
  const parameters: SqlParameter[] = []
  const bound = (parameter: SqlParameter) => {
    parameters.push(parameter)
    return of.dialect === 'postgresql' ? `$${parameters.length}` : '?'
  }
  const conditions = [
    ...(keys ? [keys.length > 0 ? `${column(keyCol)} IN (${keys.map(bound).join(', ')})` : '1 = 0'] : []),
    ...(after === undefined ? [] : [`${column(keyCol)} > ${bound(after)}`]),
  ]
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''
  const end = limit === undefined ? '' : `LIMIT ${limit}`
  const from = quoted(dialect, of.table)
  return { sql: `SELECT ${selected.join(', ')} FROM ${from} ${where} ORDER BY ${column(keyCol)} ${end}`, parameters }
}
