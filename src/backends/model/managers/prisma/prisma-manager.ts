import type { ColumnKind } from '../../../sql/dialect.js'
import { inOwnContext } from '../../../sql/own-context.js'
import { checkedRows } from '../../../sql/replies.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import type { Columns, ModelManager, ModelSession, TransactionOptions } from '../manager.js'
import { askingAdvice, connectingAdvice } from '../pool-advice.js'
import { runTransaction } from '../run-transaction.js'
import { committingAlone, forgettingFailures } from './commit.js'
import { PrismaSession } from './session.js'
import {
  type Client,
  type Delegate,
  describeModel,
  type PrismaClientShape,
  type PrismaDelegateShape,
  type PrismaModel,
  type PrismaModelName,
  type PrismaRow,
  type Queries,
} from './shapes.js'

/** The longest duration of a timer, in ms. Prisma's timers end immediately if it is longer. */
const LONGEST = 2 ** 31 - 1

const KINDS: Readonly<Record<string, ColumnKind>> = { Json: 'json', Bytes: 'bytes' }

const HOW = "Pass the client and the name of a model, as in prismaManager(prisma, 'setting')."

/**
 * A model of a Prisma client (Prisma 7), for `ModelDict.open`: `prismaManager(prisma, 'setting')`, or `prismaManager(prisma.setting)`
 * of the client before it was extended. Rows are written by `create` (`createMany` for several at once), `update` and `deleteMany`,
 * inside `$transaction`, so that defaults, `@updatedAt` and the client's extensions apply.
 *
 * @throws TypeError if it is not a client or a model, or if the database is unknown.
 *
 * @example
 * const dict = await ModelDict.open(prismaManager(prisma, 'setting'))
 */
export function prismaManager<Client extends PrismaClientShape, Name extends PrismaModelName<Client>>(
  prisma: Client,
  model: Name,
): ModelManager<PrismaRow<Client[Name]>>
export function prismaManager<Delegate extends PrismaDelegateShape>(model: Delegate): ModelManager<PrismaRow<Delegate>>
export function prismaManager(from: object, model?: string): ModelManager {
  return inOwnContext(() => managerFor(from, model))
}

function managerFor(from: object, model: string | undefined): ModelManager {
  const [client, name] = model === undefined ? clientOf(from) : [checkedClient(from), model]
  const delegate = client[name]
  if (!isPrismaDelegate(delegate)) throw new TypeError(`The Prisma client has no model "${name}". ${HOW}`)
  return new PrismaManager(client, name, (delegate as unknown as Delegate).$name)
}

/** Whether it is a model of a Prisma client, such as `prisma.setting`. */
export function isPrismaDelegate(value: unknown): value is PrismaDelegateShape {
  if (typeof value !== 'object' || value === null) return false
  const { $name, $parent, findMany, createMany } = value as Partial<Delegate>
  const functions = [findMany, createMany].every(member => typeof member === 'function')
  return functions && typeof $name === 'string' && typeof $parent === 'object'
}

/** The client of a model, and the client's name of it. A model of an extended client knows only the client before. */
function clientOf(model: unknown): [Client, string] {
  if (!isPrismaDelegate(model)) throw new TypeError(`This is not a model of a Prisma client. ${HOW}`)
  const { $name, $parent } = model as unknown as Delegate
  const name = `${$name.charAt(0).toLowerCase()}${$name.slice(1)}`
  if ($parent[name] === model) return [checkedClient($parent), name]
  throw new TypeError(
    `The model ${$name} belongs to a client made by $extends, or to a transaction, which cannot be had from it. ${HOW}`,
  )
}

function checkedClient(value: unknown): Client {
  const { $connect, $transaction, $queryRawUnsafe } = (value ?? {}) as Partial<Client>
  const members = [$connect, $transaction, $queryRawUnsafe]
  if (members.every(member => typeof member === 'function')) return value as Client
  throw new TypeError(`This is not a Prisma client, or it is the client of a transaction. ${HOW}`)
}

class PrismaManager implements ModelManager {
  readonly library = 'Prisma'
  readonly readsWhatItChanges = true
  readonly jsonAsValues = true
  readonly model: string
  readonly #client: Client
  readonly #name: string
  readonly #described: PrismaModel
  /** The journal mode of SQLite. */
  #journal: string | undefined

  constructor(client: Client, name: string, model: string) {
    this.model = model
    this.#client = client
    this.#name = name
    this.#described = describeModel(client, model)
  }

  get database(): object {
    return this.#client._originalClient ?? this.#client
  }

  advice(): readonly string[] {
    const { adapterName, config } = this.#client._engineConfig?.adapter ?? {}
    return adapterName === '@prisma/adapter-pg' ? [...connectingAdvice(config), ...askingAdvice(config)] : []
  }

  get dialect() {
    return this.#described.dialect
  }

  get table() {
    return this.#described.table
  }

  column(property: string): string | undefined {
    const field = this.#described.fields.get(property)
    return field?.dbName ?? field?.name
  }

  /** Text is left to the database, which tells it from lists and from types that hold some texts only. */
  kind(property: string): ColumnKind | undefined {
    return KINDS[this.#described.fields.get(property)?.type ?? '']
  }

  /** Without extensions, which may send what reads to a replica. */
  async query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    const client = this.#client._originalClient ?? this.#client
    return checkedRows('Prisma', sql, await this.#forgetting(() => client.$queryRawUnsafe(sql, ...parameters)))
  }

  within(transaction: object): ModelSession | undefined {
    const { $queryRawUnsafe, $connect, [this.#name]: model } = transaction as Partial<Client & Queries>
    if (typeof $queryRawUnsafe !== 'function' || $connect || !model) return undefined
    return new PrismaSession(transaction as Queries, this.#name, this.#described)
  }

  transaction<R>(work: (session: ModelSession) => Promise<R>, { isolation, limit }: TransactionOptions): Promise<R> {
    const longest = Math.min(Math.ceil(limit), LONGEST)
    const isolationLevel = this.#isolationLevel(isolation)
    const options = { maxWait: longest, timeout: longest, ...(isolationLevel && { isolationLevel }) }
    const run = <V>(within: (session: ModelSession) => Promise<V>) =>
      this.#client.$transaction(
        transaction => within(new PrismaSession(transaction, this.#name, this.#described)),
        options,
      )
    return this.#forgetting(() =>
      runTransaction(this.dialect, work, async within =>
        !isolation && (await this.#commitFailsWhileOthersRead()) ? committingAlone(within, run) : run(within),
      ),
    )
  }

  /** Named only if the application has set another default than the database's. */
  #isolationLevel(isolation: TransactionOptions['isolation']): string | undefined {
    if (this.dialect === 'sqlite') return undefined
    if (isolation === 'snapshot') return 'RepeatableRead'
    if (!this.#client._engineConfig?.transactionOptions?.isolationLevel) return undefined
    return this.dialect === 'postgresql' ? 'ReadCommitted' : 'RepeatableRead'
  }

  #forgetting<V>(work: () => Promise<V>): Promise<V> {
    return this.dialect === 'sqlite' ? forgettingFailures(work, sql => this.#client.$queryRawUnsafe(sql)) : work()
  }

  async #commitFailsWhileOthersRead(): Promise<boolean> {
    if (this.dialect !== 'sqlite') return false
    this.#journal ??= String((await this.query('PRAGMA journal_mode', []))[0]?.journal_mode)
    return this.#journal !== 'wal'
  }

  /** With what the client's extensions compute. */
  instance(columns: Columns): object {
    const instance: Record<string, unknown> = { ...columns }
    const computed = this.#client._extensions?.getAllComputedFields(this.model) ?? {}
    for (const field of Object.values(computed)) {
      const { name, needs } = field
      // What is computed in place of a column was so when it was read.
      if (!this.#described.fields.has(name) && needs.every(need => need in columns)) {
        instance[name] = field.compute(instance)
      }
    }
    return instance
  }

  /** The model's own columns: neither relations nor what the client's extensions compute. */
  columnsOf(instance: object): Columns {
    const members = Object.entries(instance).filter(([name]) => this.#described.fields.has(name))
    return Object.fromEntries(members)
  }
}
