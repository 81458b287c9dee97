import { isRefusal } from './backends/model/faults.js'
import type { ModelManager } from './backends/model/managers/manager.js'
import { managerOf } from './backends/model/managers/manager-of.js'
import type { PrismaDelegateShape, PrismaRow } from './backends/model/managers/prisma/shapes.js'
import type { Recognizer } from './backends/model/managers/recognise.js'
import type { SequelizeModel } from './backends/model/managers/sequelize/sequelize-manager.js'
import type { TypeormRepository } from './backends/model/managers/typeorm/typeorm-manager.js'
import { ModelBackend } from './backends/model/model-backend.js'
import { openModel } from './backends/model/open-model.js'
import { type ModelOptions, splitOptions } from './backends/model/options.js'
import type { Stored } from './backends/model/table/stored.js'
import { notConnected } from './contract/absent-backend.js'
import { Connectable } from './contract/connectable.js'
import type { Core } from './dictionary/core.js'
import { DurableDict } from './dictionary/durable-dict.js'
import type { AttributionOptions } from './dictionary/history/attribution.js'
import { type InTransaction, type TransactionStore, WritesInTransaction } from './dictionary/in-transaction.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import type {
  CommonOptions,
  DefaultedBy,
  DefaultsOf,
  DefaultsOptions,
  DictOptions,
  NamedKeys,
  OptionsOf,
  RequiredKeys,
  SchemaOptions,
  ValuesOf,
} from './dictionary/options.js'
import type { InputOf, OutputOf, Schema } from './dictionary/schema.js'
import { checkOptions } from './dictionary/settings.js'

/** A dictionary in a model (table) of the application's own database, through its ORM or query builder. */
export interface ModelDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> extends DurableDict<T, D, I> {
  /**
   * Announces that something other than a dictionary changed rows, for example a person or the application through the model. Every
   * process reloads the rows of these keys at its next check; without keys, all rows. Resolves when this process has.
   */
  touch(...keys: (keyof T & string)[]): Promise<void>
  /**
   * Returns the entries inside a transaction of the application: what is written there commits or rolls back together with the
   * application's own rows. Every process follows when it has committed, by the triggers of the table
   * (`createTables(model, { triggers: true })`); without them, writes reject with `UnsupportedError`.
   *
   * @param transaction - what the library's transaction callback gets: the client (Prisma), `EntityManager` or `QueryRunner`
   * (TypeORM), `Transaction` (Sequelize, Kysely, Knex), or `tx` (Drizzle).
   * @throws TypeError for anything else.
   * @example
   * await prisma.$transaction(async tx => {
   *   await tx.order.create({ data: order })
   *   await settings.in(tx).set('lastOrder', order.id)
   * })
   */
  in(transaction: object): InTransaction<T, D, I>
}

/** Options of a dictionary whose values are the model's instances. */
interface InstanceOptions extends CommonOptions, ModelOptions {
  returnInstances: true
  schema?: undefined
  defaults?: undefined
  oldEncoding?: undefined
}

interface OpenModelDict {
  /**
   * Opens a dictionary whose values are the model's instances, with all their columns.
   *
   * Rejects with `StoreUnavailableError` if the table, its columns or the version tables are missing, with
   * `UnsupportedError` if the key column is not unique or a column has a wrong type, and with `TypeError` for an invalid option.
   *
   * @param model - a TypeORM `Repository`, a Sequelize model class, the result of `drizzleManager`, `kyselyManager` or
   * `knexManager`, or your own `ModelManager`. Its connection stays open.
   * @param options - with `returnInstances: true`.
   * @example
   * const settings = await ModelDict.open(kyselyManager(db, 'settings'), { returnInstances: true })
   * settings.local.get('theme')?.note
   */
  <Row extends object>(
    model: ModelManager<Row> | TypeormRepository<Row> | SequelizeModel<Row>,
    options: InstanceOptions,
  ): Promise<ModelDict<Record<string, Row>, never, Record<string, unknown>>>
  /**
   * Opens a dictionary whose values are the model's instances, with all their columns.
   *
   * @param model - `prisma.setting`. Its connection stays open.
   * @param options - with `returnInstances: true`.
   * @example
   * const settings = await ModelDict.open(prisma.setting, { returnInstances: true })
   * settings.local.get('theme')?.note
   */
  <Model extends PrismaDelegateShape>(
    model: Model,
    options: InstanceOptions,
  ): Promise<ModelDict<Record<string, PrismaRow<Model>>, never, Record<string, unknown>>>
  /**
   * Opens a dictionary whose entries are the rows of a model: a key column and a value column. Other columns stay unchanged.
   * The schema defines the types and validates values.
   *
   * @param model - `prisma.setting`, a TypeORM `Repository`, a Sequelize model class, the result of `drizzleManager`,
   * `kyselyManager` or `knexManager`, or your own `ModelManager`. Its connection stays open.
   * @param options - with `schema`: one Standard Schema for all values, or a record of schemas by key.
   * @example
   * await ModelDict.open(prisma.setting, {
   *   schema: { theme: z.enum(['light', 'dark']), perPage: z.number().int() },
   *   defaults: { theme: 'light' },
   * })
   */
  <const S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    model: object,
    options: SchemaOptions<S, D> & ModelOptions,
  ): Promise<ModelDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  /**
   * Opens a dictionary whose entries are the rows of a model: a key column and a value column. Other columns stay unchanged.
   * You name the type, and every key has a default.
   *
   * @param model - `prisma.setting`, a TypeORM `Repository`, a Sequelize model class, the result of `drizzleManager`,
   * `kyselyManager` or `knexManager`, or your own `ModelManager`. Its connection stays open.
   * @param options - with `defaults` for every key.
   * @example
   * await ModelDict.open<Settings>(prisma.setting, { defaults: { theme: 'light', perPage: 20 } })
   */
  <T extends object = never>(
    model: object,
    options: OptionsOf<NoInfer<T>, NamedKeys<NoInfer<T>>> & ModelOptions,
  ): Promise<ModelDict<T, NamedKeys<T>>>
  /**
   * Opens a dictionary whose entries are the rows of a model: a key column and a value column. Other columns stay unchanged.
   * You name the type and the keys that have a default (by default all that are not optional).
   *
   * @param model - `prisma.setting`, a TypeORM `Repository`, a Sequelize model class, the result of `drizzleManager`,
   * `kyselyManager` or `knexManager`, or your own `ModelManager`. Its connection stays open.
   * @param options - with `defaults` for these keys.
   * @example
   * await ModelDict.open<Settings, 'theme'>(prisma.setting, { defaults: { theme: 'light' } })
   */
  <T extends object = never, K extends keyof T & string = RequiredKeys<T>>(
    model: object,
    options: OptionsOf<NoInfer<T>, NoInfer<K>> & ModelOptions,
  ): Promise<ModelDict<T, K>>
  /**
   * Opens a dictionary whose entries are the rows of a model: a key column and a value column. Other columns stay unchanged.
   * The defaults define the types: `get` never returns `undefined`, and other keys do not compile.
   *
   * @param model - `prisma.setting`, a TypeORM `Repository`, a Sequelize model class, the result of `drizzleManager`,
   * `kyselyManager` or `knexManager`, or your own `ModelManager`. Its connection stays open.
   * @param options - with `defaults`.
   * @example
   * const settings = await ModelDict.open(prisma.setting, { defaults: { theme: 'light', perPage: 20 } })
   * settings.local.get('perPage') // number
   */
  <Values extends object>(
    model: object,
    options: DefaultsOptions<Values> & ModelOptions,
  ): Promise<ModelDict<ValuesOf<Values>, RequiredKeys<ValuesOf<Values>>>>
  /**
   * Opens a dictionary whose entries are the rows of a model: a key column and a value column. Other columns stay unchanged.
   * You may name the type. Without one, every string is a key, and values are `unknown`.
   *
   * @param model - `prisma.setting`, a TypeORM `Repository`, a Sequelize model class, the result of `drizzleManager`,
   * `kyselyManager` or `knexManager`, or your own `ModelManager`. Its connection stays open.
   * @param options - the common options and `ModelOptions`.
   * @example
   * await ModelDict.open<Settings>(prisma.setting, { maxStaleness: 1_000 })
   */
  <T extends object = Record<string, unknown>, const S extends Schema | undefined = undefined>(
    model: object,
    options?: DictOptions<T, S> & ModelOptions,
  ): Promise<ModelDict<T>>
}

export interface ModelDictKind extends Kind<OpenModelDict> {
  readonly open: OpenModelDict
}

class TouchableDict extends DurableDict {
  readonly #core: Core
  readonly #attribution: AttributionOptions | undefined

  private constructor(core: Core, attribution?: AttributionOptions) {
    super(core, attribution)
    this.#core = core
    this.#attribution = attribution
  }

  static openOn(source: Connectable, options: CommonOptions): Promise<TouchableDict> {
    return DurableDict.openAs(source, options, core => new TouchableDict(core))
  }

  protected override viewAs(core: Core, attribution: AttributionOptions): TouchableDict {
    return new TouchableDict(core, attribution)
  }

  in(transaction: object): InTransaction<Record<string, unknown>> {
    return new WritesInTransaction(this.#core, this.#backend.within(transaction) as TransactionStore, this.#attribution)
  }

  /** @throws StoreUnavailableError if the database has not answered yet. */
  get #backend(): ModelBackend {
    const { name, store } = this.#core.internals
    if (store.backend instanceof ModelBackend) return store.backend
    throw notConnected(name)
  }

  override async touch(...keys: string[]): Promise<void> {
    this.checkWrite(keys)
    const known = this.#core.internals.replica.memory.freeze()
    const before = (key: string) => known.stored(key) as Stored | undefined
    await this.runOnStore(() => this.#backend.touch(keys, { before, attribution: this.#attribution }))
    await this.sync()
  }
}

/** Creates the `ModelDict` that accepts the models that these recognizers know, and managers. */
export function modelDictOf(recognizers: readonly Recognizer[]): ModelDictKind {
  return kindOf<OpenModelDict>('ModelDict', async (model: object, options: CommonOptions & ModelOptions = {}) => {
    const manager = managerOf(model, recognizers)
    const [settings, common] = splitOptions(options)
    checkInstances(settings, common)
    const { encoding, oldEncoding, timeout } = checkOptions(common)
    const connect = (signal: AbortSignal | undefined) =>
      openModel(manager, settings, { encoding, oldEncoding, timeout, signal })
    const name = settings.name ?? manager.model
    const source = new Connectable({ name, storeKind: 'model', connect, refuses: isRefusal })
    return TouchableDict.openOn(source, { ...common, encoding })
  })
}

function checkInstances({ returnInstances }: { returnInstances: boolean }, options: DictOptions): void {
  if (!returnInstances) return
  for (const name of ['schema', 'defaults', 'oldEncoding', 'lastKnown'] as const) {
    if (options[name] === undefined) continue
    throw new TypeError(
      `Option "${name}" of ModelDict.open() cannot be combined with "returnInstances": values are the model's instances.`,
    )
  }
}
