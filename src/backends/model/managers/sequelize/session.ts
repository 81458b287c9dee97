import { checkedRows } from '../../../sql/replies.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import { insertBatches } from '../insert-batches.js'
import type { Columns, ModelSession, RowQuery } from '../manager.js'
import { kindOf, LeanRows } from './columns.js'
import type { Model, Sequelize, Transaction } from './shape.js'

/** Hooks that are about single instances, which the bulk calls leave out. */
const ON_CREATE = ['beforeValidate', 'afterValidate', 'validationFailed', ...around('Create'), ...around('Save')]
const ON_DESTROY = around('Destroy')

/** Operators of Sequelize, which are registered symbols. */
const GREATER = Symbol.for('gt')
const NOT_EQUAL = Symbol.for('ne')

/** What the application may have set for all queries, and what none of ours can do with: a statement is not retried without its transaction. */
const PLAINLY = {
  ...{ raw: false, plain: false, nest: false, mapToModel: false, useMaster: true, logging: false, benchmark: false },
  retry: { max: 1 },
} as const

/** A quoted text or name, or a placeholder. */
const PLACEHOLDER = /'(?:[^']|'')*'|"[^"]*"|`[^`]*`|\?/g

/**
 * One model inside one transaction, without its default scope. Soft-deleted rows of a paranoid model are not part of the dictionary:
 * they are not read, and new rows with the same key replace them.
 */
export class SequelizeSession implements ModelSession {
  readonly #model: Model
  readonly #transaction: Transaction

  constructor(model: Model, transaction: Transaction) {
    this.#model = model
    this.#transaction = transaction
  }

  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    return runQuery(this.#model.sequelize as Sequelize, sql, parameters, this.#transaction)
  }

  async rows(query: RowQuery): Promise<readonly object[]> {
    const { keyCol, columns, keys, after, limit } = query
    const key = { ...(keys && { [Symbol.for('in')]: keys }), ...(after !== undefined && { [GREATER]: after }) }
    const where = keys || after !== undefined ? { [keyCol]: key } : {}
    const options = { where, order: [[keyCol, 'ASC']], ...(limit !== undefined && { limit }), ...this.#own() }
    if (!columns) return this.#model.findAll(options)
    // Hooks of the application could narrow what is found.
    return new LeanRows(this.#model, { ...query, columns }).read({ ...options, hooks: false })
  }

  /** One after the other where hooks run: of those at the same time, some could still run after one has failed. */
  async create(rows: readonly Columns[], keyCol?: string): Promise<void> {
    if (keyCol !== undefined) await this.#makeWay(rows, keyCol)
    const storable = rows.map(row => this.#storable(row))
    if (rows.length === 1 || this.#hasHook(ON_CREATE)) {
      for (const row of storable) await this.#model.create(row, this.#own())
      return
    }
    for (const batch of insertBatches(storable)) {
      await this.#model.bulkCreate(batch, { validate: true, ...this.#own() }).catch(throwFirst)
    }
  }

  /** By the instance, so that setters, validations and hooks find all of it. */
  async update(keyCol: string, key: string, columns: Columns): Promise<void> {
    const where = { [keyCol]: key }
    const storable = this.#storable(columns)
    if (this.#model.primaryKeyAttributes.length === 0) {
      await this.#model.update(storable, { where, ...this.#own() })
      return
    }
    const instance = await this.#model.findOne({ where, ...this.#own(), plain: true })
    if (!instance) throw new Error(`There is no row with the key ${JSON.stringify(key)} to be updated.`)
    await instance.update(storable, this.#own())
  }

  async remove(keyCol: string, keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#destroy({ [keyCol]: keys })
  }

  async removeAll(): Promise<void> {
    await this.#destroy({})
  }

  async #destroy(where: object): Promise<void> {
    await this.#model.destroy({ where, force: true, individualHooks: this.#hasHook(ON_DESTROY), ...this.#own() })
  }

  /** What was deleted from a paranoid model still occupies its unique key. */
  async #makeWay(rows: readonly Columns[], keyCol: string): Promise<void> {
    const { paranoid, deletedAt } = this.#model.options
    if (!paranoid) return
    const property = typeof deletedAt === 'string' ? deletedAt : 'deletedAt'
    const notDeleted = this.#model.rawAttributes[property]?.defaultValue ?? null
    const where = { [keyCol]: rows.map(row => row[keyCol]), [property]: { [NOT_EQUAL]: notDeleted } }
    await this.#model.destroy({ where, force: true, hooks: false, ...this.#own() })
  }

  /**
   * Sequelize takes `null` for SQL's, which a column of JSON that allows none can only mean as JSON's. With `omitNull` it would leave
   * out the column, and keep what is there.
   */
  #storable(columns: Columns): Columns {
    const nulls = Object.keys(columns).filter(name => columns[name] === null && this.#nullOf(name))
    return nulls.length === 0
      ? columns
      : { ...columns, ...Object.fromEntries(nulls.map(name => [name, this.#nullOf(name)])) }
  }

  #nullOf(property: string): object | undefined {
    const { rawAttributes } = this.#model
    const sequelize = this.#model.sequelize as Sequelize
    const isJsons = rawAttributes[property]?.allowNull === false && kindOf(this.#model, property) === 'json'
    if (isJsons) return sequelize.literal("'null'")
    return sequelize.options.omitNull ? sequelize.literal('NULL') : undefined
  }

  #hasHook(names: readonly string[]): boolean {
    const { sequelize } = this.#model
    return names.some(name => Boolean(this.#model.hasHook(name) || sequelize?.hasHook(name)))
  }

  /** Returns new options for each call, because Sequelize changes them. */
  #own(): object {
    return { ...PLAINLY, retry: { ...PLAINLY.retry }, transaction: this.#transaction }
  }
}

/** @param transaction - or just its connection: never the one that continuation-local storage may hold. */
export async function runQuery(
  sequelize: Sequelize,
  sql: string,
  parameters: readonly SqlParameter[],
  transaction: Transaction,
): Promise<readonly SqlRow[]> {
  let count = 0
  const numbered = sql.replace(PLACEHOLDER, part => (part === '?' ? `$${++count}` : part))
  const bind = parameters.length > 0 ? { bind: [...parameters] } : {}
  const [rows] = await sequelize.query(numbered, { ...PLAINLY, transaction, raw: true, type: 'RAW', ...bind })
  return checkedRows('Sequelize', sql, rows)
}

/** What many rows are refused with says nothing itself, and has the reasons inside. */
function throwFirst(error: { readonly name?: unknown; readonly errors?: readonly unknown[] }): never {
  throw error.name === 'AggregateError' ? (error.errors?.[0] ?? error) : error
}

function around(what: string): string[] {
  return [`before${what}`, `after${what}`]
}
