import { checkedColumns, checkedRows } from '../../../sql/replies.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import { insertBatches } from '../insert-batches.js'
import type { Columns, ModelSession, RowQuery } from '../manager.js'
import { plainValue } from '../plain-value.js'
import { columnOf, kindOf } from './columns.js'
import type { DataSource, EntityManager, Executable, Metadata, QueryRunner, Select, Subscriber } from './shape.js'

/**
 * How many entities are inserted, or loaded in order to be removed, by one statement. TypeORM reads those inserted again, by as
 * many conditions, of which SQLite takes fewer than a thousand.
 */
const ROWS = 500
const ENTRY = 'entry'

type Change = 'Update' | 'Remove'

/** Runs a statement of ours. */
export async function runQuery(
  runner: QueryRunner,
  sql: string,
  parameters: readonly SqlParameter[],
): Promise<readonly SqlRow[]> {
  const { records } = await runner.query(sql, [...parameters], true)
  return checkedRows('TypeORM', sql, records)
}

/**
 * One entity inside one transaction. Soft-deleted rows are not part of the dictionary: they are not read, and new rows with the same
 * key replace them.
 */
export class TypeormSession implements ModelSession {
  readonly #manager: EntityManager
  readonly #target: unknown
  readonly #metadata: Metadata

  /** @param manager - of the transaction. A repository of it might be that of another one; see `inOwnContext`. */
  constructor(manager: EntityManager, target: unknown) {
    this.#manager = manager
    this.#target = target
    this.#metadata = manager.dataSource.getMetadata(target)
  }

  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    return runQuery(this.#manager.queryRunner, sql, parameters)
  }

  async rows(query: RowQuery): Promise<readonly object[]> {
    const { keyCol, columns, keys, after, limit } = query
    const builder = this.#builder().orderBy(`${ENTRY}.${keyCol}`, 'ASC')
    if (keys?.length === 0) return []
    if (keys) this.#byKeys(builder, keyCol, keys, ENTRY)
    if (after !== undefined) {
      builder.andWhere(`${ENTRY}.${keyCol} > :after`, { after: this.#keyAsStored(keyCol, after) })
    }
    if (columns) return this.#plain(builder, columns, limit)
    if (limit !== undefined) builder.take(limit)
    // Relations marked as eager come along.
    return builder.setFindOptions({}).getMany()
  }

  /** `insert` rather than `save`, which would overwrite a row that is there. Listeners run on the entities made here. */
  async create(rows: readonly Columns[], keyCol?: string): Promise<void> {
    if (keyCol !== undefined) await this.#makeWay(rows, keyCol)
    for (const batch of insertBatches(rows)) {
      const entities = batch.map(row => this.#manager.create(this.#target, this.#storable(row)))
      for (let start = 0; start < batch.length; start += ROWS) {
        await this.#manager.insert(this.#target, entities.slice(start, start + ROWS))
      }
    }
  }

  /** Listeners and subscribers need the whole entity. Without any, one UPDATE has the same effect. */
  async update(keyCol: string, key: string, columns: Columns): Promise<void> {
    const storable = this.#storable(this.#changeable(columns))
    if (!this.#isHeard('Update')) {
      await this.#byKeys(this.#builder().update().set(storable), keyCol, [key]).execute()
      return
    }
    const entity = await this.#byKeys(this.#builder(), keyCol, [key], ENTRY).getOne()
    if (!entity) throw new Error(`There is no row with the key ${JSON.stringify(key)} to be updated.`)
    await this.#manager.save(this.#target, Object.assign(entity, storable))
  }

  async remove(keyCol: string, keys: readonly string[]): Promise<void> {
    if (this.#isHeard('Remove')) {
      const entities = await this.#byKeys(this.#builder().withDeleted(), keyCol, keys, ENTRY).getMany()
      await this.#manager.remove(this.#target, entities)
      return
    }
    await this.#byKeys(this.#builder().delete(), keyCol, keys).execute()
  }

  async removeAll(): Promise<void> {
    while (this.#isHeard('Remove')) {
      const entities = await this.#builder().withDeleted().take(ROWS).getMany()
      if (entities.length === 0) return
      await this.#manager.remove(this.#target, entities)
    }
    await this.#builder().delete().execute()
  }

  #builder(): Select {
    return this.#manager.createQueryBuilder(this.#target, ENTRY).cache(false)
  }

  /** Columns go by their bare names in UPDATE and DELETE, and behind the name of their table in SELECT. */
  #byKeys<B extends Executable>(builder: B, keyCol: string, keys: readonly string[], alias?: string): B {
    const column = alias === undefined ? keyCol : `${alias}.${keyCol}`
    return builder.where(`${column} IN (:...keys)`, { keys: keys.map(key => this.#keyAsStored(keyCol, key)) })
  }

  /** What was deleted softly still occupies its unique key. */
  async #makeWay(rows: readonly Columns[], keyCol: string): Promise<void> {
    const deleted = this.#metadata.deleteDateColumn?.propertyPath
    if (deleted === undefined || rows.length === 0) return
    const keys = rows.map(row => row[keyCol] as string)
    await this.#byKeys(this.#builder().delete(), keyCol, keys).andWhere(`${deleted} IS NOT NULL`).execute()
  }

  async #plain(builder: Select, properties: readonly string[], limit: number | undefined): Promise<Columns[]> {
    const [first, ...others] = properties as [string, ...string[]]
    builder.select(this.#selected(first), first)
    for (const property of others) builder.addSelect(this.#selected(property), property)
    if (limit !== undefined) builder.limit(limit)
    const rows = checkedColumns<Record<string, unknown>>('TypeORM', properties, await builder.getRawMany())
    return rows.map(raw => Object.fromEntries(properties.map(name => [name, this.#hydrated(name, raw[name])])))
  }

  /** Selects JSON as text, because the driver may parse it, depending on its options, and TypeORM may parse it again. */
  #selected(property: string): string {
    const type = this.#asText(property)
    return type ? `CAST(${ENTRY}.${property} AS ${type})` : `${ENTRY}.${property}`
  }

  #asText(property: string): 'text' | 'char' | undefined {
    const { type } = this.#manager.dataSource.options
    const column = columnOf(this.#metadata, property).type
    if (type === 'postgres' && (column === 'json' || column === 'jsonb')) return 'text'
    return (type === 'mysql' || type === 'mariadb') && column === 'json' ? 'char' : undefined
  }

  /** On MySQL, TypeORM parses the text of JSON itself. */
  #hydrated(property: string, raw: unknown): unknown {
    const value = this.#asText(property) === 'text' && typeof raw === 'string' ? JSON.parse(raw) : raw
    return plainValue(this.#manager.dataSource.driver.prepareHydratedValue(value, columnOf(this.#metadata, property)))
  }

  #keyAsStored(keyCol: string, key: string): unknown {
    return this.#manager.dataSource.driver.preparePersistentValue(key, columnOf(this.#metadata, keyCol))
  }

  /** TypeORM takes `null` for SQL's, which a column of JSON that is not nullable can only mean as JSON's. */
  #storable(columns: Columns): Columns {
    const isJsonNull = ([property, value]: [string, unknown]) => {
      const column = this.#metadata.findColumnWithPropertyPath(property)
      return value === null && column && !column.isNullable && kindOf(column) === 'json'
    }
    const nulls = Object.entries(columns).filter(isJsonNull)
    return nulls.length === 0 ? columns : { ...columns, ...Object.fromEntries(nulls.map(([name]) => [name, jsonNull])) }
  }

  /** Without what an instance has of the row that it was read from: its identity, and what TypeORM or the database keeps. */
  #changeable(columns: Columns): Columns {
    const isKept = (property: string) => {
      const column = this.#metadata.findColumnWithPropertyPath(property)
      return column?.isPrimary || column?.isVersion || column?.isUpdateDate || column?.generatedType
    }
    return Object.fromEntries(Object.entries(columns).filter(([property]) => !isKept(property)))
  }

  #isHeard(change: Change): boolean {
    return isHeard(this.#manager.dataSource, this.#metadata, change)
  }
}

/** Whether listeners or subscribers hear of such a change, with the whole entity. */
export function isHeard({ subscribers }: DataSource, metadata: Metadata, change: Change): boolean {
  if (metadata[`before${change}Listeners`].length > 0 || metadata[`after${change}Listeners`].length > 0) return true
  return subscribers.some(one => (one[`before${change}`] || one[`after${change}`]) && isAbout(one, metadata.target))
}

const jsonNull = () => "'null'"

/** As TypeORM chooses whom to tell. */
function isAbout(subscriber: Subscriber, target: unknown): boolean {
  const wanted = subscriber.listenTo?.()
  return (
    !wanted || wanted === Object || wanted === target || Object.prototype.isPrototypeOf.call(wanted, target as object)
  )
}
