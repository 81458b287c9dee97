import type { Columns, ModelSession, RowQuery, SqlParameter, SqlRow } from '../manager.js'
import type { Delegate, PrismaModel, Queries } from './prisma-shapes.js'

/** Prisma refuses lists of keys beyond SQLite's former limit of 999 parameters where the rows are to come in order. */
const KEYS_IN_SQLITE = 900

/** One interactive transaction. */
export class PrismaSession implements ModelSession {
  readonly #transaction: Queries
  readonly #delegate: Delegate
  readonly #model: PrismaModel

  constructor(transaction: Queries, name: string, model: PrismaModel) {
    this.#transaction = transaction
    this.#delegate = transaction[name] as Delegate
    this.#model = model
  }

  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    return this.#transaction.$queryRawUnsafe(sql, ...parameters)
  }

  async rows(query: RowQuery): Promise<readonly object[]> {
    const { keys = [], limit } = query
    if (this.#model.dialect !== 'sqlite' || keys.length <= KEYS_IN_SQLITE) return this.#find(query)
    const sorted = await this.#sorted(query.keyCol, keys)
    const rows: object[] = []
    for (let start = 0; start < sorted.length; start += KEYS_IN_SQLITE) {
      rows.push(...(await this.#find({ ...query, keys: sorted.slice(start, start + KEYS_IN_SQLITE) })))
    }
    return rows.slice(0, limit)
  }

  async create(rows: readonly Columns[]): Promise<void> {
    for (const row of rows) this.#check(row)
    const [first, ...more] = rows
    if (!first) return
    await (more.length === 0 ? this.#delegate.create({ data: first }) : this.#delegate.createMany({ data: rows }))
  }

  async update(keyCol: string, key: string, columns: Columns): Promise<void> {
    this.#check(columns)
    const written = Object.entries(columns).filter(([name]) => !this.#model.kept.has(name))
    await this.#delegate.update({ where: { [keyCol]: key }, data: Object.fromEntries(written) })
  }

  remove(keyCol: string, keys: readonly string[]): Promise<unknown> {
    return this.#delegate.deleteMany({ where: { [keyCol]: { in: keys } } })
  }

  removeAll(): Promise<unknown> {
    return this.#delegate.deleteMany()
  }

  #find({ keyCol, columns, keys, after, limit }: RowQuery): Promise<object[]> {
    const condition = { ...(keys && { in: keys }), ...(after !== undefined && { gt: after }) }
    return this.#delegate.findMany({
      ...(Object.keys(condition).length > 0 && { where: { [keyCol]: condition } }),
      ...(columns && { select: Object.fromEntries(columns.map(name => [name, true])) }),
      ...(limit !== undefined && { take: limit }),
      orderBy: { [keyCol]: 'asc' },
    })
  }

  /** Those of the keys that are there, in the database's own order. */
  async #sorted(keyCol: string, keys: readonly string[]): Promise<string[]> {
    const quote = (name: string) => `"${name.replaceAll('"', '""')}"`
    const { table, fields } = this.#model
    const column = quote(fields.get(keyCol)?.dbName ?? keyCol)
    const found = await this.query(
      `SELECT ${column} AS sorted FROM ${quote(table.name)} WHERE ${column} IN (SELECT value FROM json_each(?)) ORDER BY ${column}`,
      [JSON.stringify(keys)],
    )
    return found.map(({ sorted }) => sorted as string)
  }

  /** @throws Error where Prisma would lose a part of the value without a word. */
  #check(row: Columns): void {
    for (const [name, value] of Object.entries(row)) {
      if (this.#model.fields.get(name)?.type !== 'Json' || !hasProto(value)) continue
      throw new Error(`Prisma cannot write a member named "__proto__" to the JSON column "${name}".`)
    }
  }
}

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto)
}
