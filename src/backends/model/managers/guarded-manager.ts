import { inOwnContext } from '../../sql/own-context.js'
import { checkedColumns, checkedRows, checkedText, withText } from '../../sql/replies.js'
import type { SqlParameter, SqlSession } from '../../sql/sql-session.js'
import type { Columns, CompiledWrites, ModelManager, ModelSession, RowQuery, TransactionOptions } from './manager.js'

/**
 * Protects a dictionary from the application's options. Calls on the manager run in an async context of the library's own, each
 * statement has a time limit, and each reply is checked.
 *
 * @param limit - the maximum duration of one statement, in ms.
 */
export function guarded<Row extends object>(manager: ModelManager<Row>, limit: number): ModelManager<Row> {
  const { library } = manager
  const query: ModelManager['query'] = async (sql, parameters) =>
    withText(checkedRows(library, sql, await inOwnContext(() => manager.query(sql, parameters, limit))))
  const transaction = <R>(work: (session: ModelSession) => Promise<R>, options: TransactionOptions) =>
    inOwnContext(() =>
      manager.transaction(session => work(checked(manager, session)), { statementLimit: limit, ...options }),
    )
  const writes = manager.writes && guardedWrites(library, manager.writes, limit)
  // A transaction of the application runs where the application does.
  const within = (transaction: object) => {
    const session = manager.within?.(transaction)
    return session && checked(manager, session)
  }
  const own: Readonly<Record<PropertyKey, unknown>> = { query, transaction, writes, within }
  return new Proxy(manager, {
    get(target, name) {
      if (own[name]) return own[name]
      const member = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function guardedWrites(library: string, { compile, connect }: CompiledWrites, limit: number): CompiledWrites {
  const query = (session: SqlSession) => async (sql: string, parameters: readonly SqlParameter[]) =>
    withText(checkedRows(library, sql, await session.query(sql, parameters)))
  return {
    compile: write => inOwnContext(() => compile(write)),
    connect: work => inOwnContext(() => connect(session => work({ query: query(session) }), limit)),
  }
}

function checked({ library, dialect }: ModelManager, session: ModelSession): ModelSession {
  return {
    query: async (sql, parameters) => withText(checkedRows(library, sql, await session.query(sql, parameters))),
    rows: async query =>
      dialect === 'sqlite' ? session.rows(query) : withTextKeys(library, query, await session.rows(query)),
    create: (rows, keyCol) => session.create(rows, keyCol),
    update: (keyCol, key, columns) => session.update(keyCol, key, columns),
    remove: (keyCol, keys) => session.remove(keyCol, keys),
    removeAll: () => session.removeAll(),
  }
}

/** Rejects keys that are not text, which would otherwise be ignored. Only SQLite stores keys of other types; they are not entries. */
function withTextKeys(library: string, { columns, keyCol }: RowQuery, reply: readonly object[]): readonly object[] {
  const rows = checkedColumns<Columns & object>(library, columns?.filter(name => name === keyCol) ?? [], reply)
  if (columns && !columns.includes(keyCol)) return rows
  return rows.map(row => {
    const key = checkedText(library, `the column "${keyCol}"`, row[keyCol])
    return key === row[keyCol] ? row : { ...row, [keyCol]: key }
  })
}
