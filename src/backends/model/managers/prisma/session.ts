import { checkedRows } from '../../../sql/replies.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import type { Columns, ModelSession, RowQuery } from '../manager.js'
import { plainRows } from '../plain-rows.js'
import type { Delegate, PrismaModel, Queries } from './shapes.js'

/** How many keys Prisma takes in one statement of SQLite, less what it may add itself. */
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

  async query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    return checkedRows('Prisma', sql, await this.#transaction.$queryRawUnsafe(sql, ...parameters))
  }

  async rows({ columns, ...query }: RowQuery): Promise<readonly object[]> {
    if (!columns) return this.#instances(query)
    const json = new Set(columns.filter(name => this.#model.fields.get(name)?.type === 'Json'))
    const rows = await plainRows(namesOf(this.#model), this, name => json.has(name), { ...query, columns })
    if (json.size === 0) return rows
    const parsed = (name: string, value: unknown) =>
      json.has(name) && typeof value === 'string' ? JSON.parse(value) : value
    return rows.map(row => Object.fromEntries(columns.map(name => [name, parsed(name, row[name])])))
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

  /** In SQLite, Prisma refuses long lists of keys if the rows are to come in order. */
  async #instances(query: RowQuery): Promise<readonly object[]> {
    const { keyCol, keys, limit, ...rest } = query
    if (!keys || this.#model.dialect !== 'sqlite') return this.#find(query)
    const sorted = await plainRows(namesOf(this.#model), this, () => false, { keyCol, columns: [keyCol], keys })
    const rows: object[] = []
    for (let start = 0; start < sorted.length; start += KEYS_IN_SQLITE) {
      const some = sorted.slice(start, start + KEYS_IN_SQLITE).map(row => row[keyCol] as string)
      rows.push(...(await this.#find({ ...rest, keyCol, keys: some })))
    }
    return rows.slice(0, limit)
  }

  #find({ keyCol, keys, after, limit }: RowQuery): Promise<object[]> {
    const condition = { ...(keys && { in: keys }), ...(after !== undefined && { gt: after }) }
    return this.#delegate.findMany({
      ...(Object.keys(condition).length > 0 && { where: { [keyCol]: condition } }),
      ...(limit !== undefined && { take: limit }),
      // What the application leaves out of all its queries is part of the row.
      ...(this.#model.omitted.length > 0 && {
        omit: Object.fromEntries(this.#model.omitted.map(name => [name, false])),
      }),
      orderBy: { [keyCol]: 'asc' },
    })
  }

  /** @throws Error where Prisma would lose a part of the value without a word. */
  #check(row: Columns): void {
    for (const [name, value] of Object.entries(row)) {
      if (this.#model.fields.get(name)?.type !== 'Json' || !hasProto(value)) continue
      throw new Error(`Prisma cannot write a member named "__proto__" to the JSON column "${name}".`)
    }
  }
}

function namesOf({ dialect, table, fields }: PrismaModel) {
  return { library: 'Prisma', dialect, table, column: (name: string) => fields.get(name)?.dbName ?? name }
}

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto)
}
