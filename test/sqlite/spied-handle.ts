import type { SqliteHandle, SqliteStatement } from '../../src/index.js'

/** A connection that counts what prepared statements do, and records what they throw. */
export interface SpiedHandle {
  readonly handle: SqliteHandle
  readonly statements: { sql: string; rows: number }[]
  readonly failures: { sql: string; error: Error }[]
}

export function spyOn(original: SqliteHandle): SpiedHandle {
  const statements: SpiedHandle['statements'] = []
  const failures: SpiedHandle['failures'] = []
  const spied = (statement: SqliteStatement, sql: string): SqliteStatement =>
    new Proxy(statement, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (name === 'raw') return (on: boolean) => spied(value.call(target, on), sql)
        if (name !== 'get' && name !== 'all' && name !== 'run') return value.bind(target)
        return (...parameters: unknown[]) => {
          try {
            const result = value.apply(target, parameters)
            statements.push({ sql, rows: Array.isArray(result) ? result.length : 1 })
            return result
          } catch (error) {
            failures.push({ sql, error: error as Error })
            throw error
          }
        }
      },
    })
  const handle = new Proxy(original, {
    get(target, name) {
      if (name === 'prepare') return (sql: string) => spied(target.prepare(sql), sql)
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { handle, statements, failures }
}
