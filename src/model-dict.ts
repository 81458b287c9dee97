import type { ModelManager } from './backends/model/manager.js'
import { managerOf } from './backends/model/manager-of.js'
import type { PrismaDelegateShape, PrismaRow } from './backends/model/managers/prisma-shapes.js'
import type { SequelizeModel } from './backends/model/managers/sequelize.js'
import type { TypeormRepository } from './backends/model/managers/typeorm.js'
import type { ModelBackend } from './backends/model/model-backend.js'
import { openModel } from './backends/model/open-model.js'
import { type ModelOptions, splitOptions } from './backends/model/options.js'
import type { Recognizer } from './backends/model/recognise.js'
import type { Parts } from './dictionary/assembly.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import {
  type CommonOptions,
  checkOptions,
  type DefaultedBy,
  type DefaultsOf,
  type DictOptions,
  type SchemaOptions,
} from './dictionary/options.js'
import type { InputOf, OutputOf, Schema } from './dictionary/schema.js'

/** A dictionary in a model (table) of the application's own database, through its own ORM or query builder. */
export interface ModelDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> extends DurableDict<T, D, I> {
  /**
   * Announces that rows were changed by others than a dictionary: by hand, or by the application through the model. Every process
   * reads the rows of these keys anew at its next check; without keys, everything. Resolves when this one has.
   */
  touch(...keys: (keyof T & string)[]): Promise<void>
}

/** Options of a dictionary whose values are the model's instances. */
interface InstanceOptions extends CommonOptions, ModelOptions {
  returnInstances: true
}

interface OpenModelDict {
  <Row extends object>(
    model: ModelManager<Row> | TypeormRepository<Row> | SequelizeModel<Row>,
    options: InstanceOptions,
  ): Promise<ModelDict<Record<string, Row>, never, Record<string, unknown>>>
  <Model extends PrismaDelegateShape>(
    model: Model,
    options: InstanceOptions,
  ): Promise<ModelDict<Record<string, PrismaRow<Model>>, never, Record<string, unknown>>>
  <S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    model: object,
    options: SchemaOptions<S, D> & ModelOptions,
  ): Promise<ModelDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  <T extends object = Record<string, unknown>>(
    model: object,
    options?: DictOptions<T> & ModelOptions,
  ): Promise<ModelDict<T>>
}

export interface ModelDictKind extends Kind<OpenModelDict> {
  /**
   * Opens a dictionary of the rows of a model, by a key column and a value column; other columns are left alone.
   *
   * Rejects with `StoreUnavailableError` where table, columns or the tables of the versions are missing, with `UnsupportedError` where
   * the key column is not unique or a column is of the wrong type, with `TypeError` for a wrong option.
   *
   * @param model - `prisma.setting`, a TypeORM `Repository`, a Sequelize model class, or what `drizzleManager`, `kyselyManager`,
   * `knexManager` (or a `ModelManager` of your own) makes of yours. Left alone by `close`.
   */
  readonly open: OpenModelDict
}

class TouchableDict extends DurableDict {
  readonly #backend: ModelBackend

  private constructor(parts: Parts, backend: ModelBackend) {
    super(parts)
    this.#backend = backend
  }

  static openOn(backend: ModelBackend, options: CommonOptions): Promise<TouchableDict> {
    return DurableDict.openAs(backend, options, parts => new TouchableDict(parts, backend))
  }

  async touch(...keys: string[]): Promise<void> {
    this.checkWrite(keys)
    await this.runOnStore(() => this.#backend.touch(keys))
    await this.sync()
  }
}

/** The kind of dictionary that takes the models which these recognize, beside managers. */
export function modelDictOf(recognizers: readonly Recognizer[]): ModelDictKind {
  return kindOf<OpenModelDict>('ModelDict', async (model: object, options: CommonOptions & ModelOptions = {}) => {
    const [settings, common] = splitOptions(options)
    checkInstances(settings, common)
    const { encoding: given, oldEncoding, timeout, signal } = checkOptions(common)
    const { backend, encoding } = await openModel(managerOf(model, recognizers), settings, {
      encoding: given,
      oldEncoding,
      timeout,
      signal,
    })
    return TouchableDict.openOn(backend, { ...common, encoding })
  })
}

function checkInstances({ returnInstances }: { returnInstances: boolean }, options: object): void {
  if (!returnInstances) return
  for (const name of ['schema', 'defaults', 'oldEncoding']) {
    if (!(name in options)) continue
    throw new TypeError(
      `Option "${name}" of ModelDict.open() does not go with "returnInstances": values are the model's instances.`,
    )
  }
}
