import type { DialectName } from '../../../sql/dialect.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import type { Columns } from '../manager.js'
import type { PgSettings } from '../pool-advice.js'
import { keptFields } from './schema.js'

/** What is needed of a Prisma client, which may have been extended by `$extends`. */
export interface PrismaClientShape {
  $connect(): Promise<void>
  $transaction(...args: never[]): unknown
  $queryRawUnsafe(...args: never[]): unknown
}

/** A model of a Prisma client: `prisma.setting`. */
export interface PrismaDelegateShape {
  findMany(...args: never[]): unknown
  createMany(...args: never[]): unknown
}

/** The rows of a model, computed fields of the client's extensions included. */
export type PrismaRow<Delegate> = Delegate extends { [K: symbol]: { types: { payload: { scalars: infer Row } } } }
  ? Row extends object
    ? Row
    : object
  : object

/** The names of a client's models: `'setting'`. */
export type PrismaModelName<Client> = {
  [Name in keyof Client & string]: Client[Name] extends PrismaDelegateShape ? Name : never
}[keyof Client & string]

/** How rows are chosen. */
interface FindArgs {
  readonly where?: Columns
  readonly orderBy: Columns
  readonly omit?: Columns
  readonly take?: number
}

/** A model, as we call it. */
export interface Delegate {
  readonly $name: string
  readonly $parent: Client
  findMany(args: FindArgs): Promise<object[]>
  create(args: { data: Columns }): Promise<unknown>
  createMany(args: { data: readonly Columns[] }): Promise<unknown>
  update(args: { where: Columns; data: Columns }): Promise<unknown>
  deleteMany(args?: { where: Columns }): Promise<unknown>
}

/** A client, or the client of one transaction, as we call it. */
export interface Queries {
  $queryRawUnsafe(sql: string, ...parameters: readonly SqlParameter[]): Promise<SqlRow[]>
  readonly [model: string]: unknown
}

interface Field {
  readonly name: string
  readonly kind: string
  readonly type: string
  readonly dbName?: string | null
}

interface ModelDescription {
  readonly fields: readonly Field[]
  readonly dbName?: string | null
  readonly schema?: string | null
}

export interface Client extends Queries {
  $connect(): Promise<void>
  $transaction<R>(
    work: (transaction: Queries) => Promise<R>,
    options: { maxWait: number; timeout: number; isolationLevel?: string },
  ): Promise<R>
  /** Of a client that was extended, the one without extensions. */
  readonly _originalClient?: Client
  readonly _globalOmit?: Readonly<Record<string, Readonly<Record<string, boolean>> | undefined>>
  readonly _activeProvider?: string
  readonly _runtimeDataModel?: { readonly models?: Readonly<Record<string, ModelDescription>> }
  readonly _engineConfig?: {
    readonly adapter?: {
      readonly adapterName?: string
      readonly config?: PgSettings
      readonly options?: { readonly schema?: unknown }
    }
    readonly inlineSchema?: string
    readonly transactionOptions?: { readonly isolationLevel?: string }
  }
  readonly _extensions?: { getAllComputedFields(model: string): Readonly<Record<string, ComputedField>> | undefined }
}

/** A field of instances that an extension of the client computes, in the order in which they may need each other. */
interface ComputedField {
  readonly name: string
  /** The columns that it is made of. */
  readonly needs: readonly string[]
  compute(row: object): unknown
}

const DIALECTS: Readonly<Record<string, DialectName>> = {
  postgresql: 'postgresql',
  postgres: 'postgresql',
  mysql: 'mysql',
  sqlite: 'sqlite',
}

/** What a client knows of one of its models. */
export interface PrismaModel {
  readonly dialect: DialectName
  readonly table: { readonly schema?: string; readonly name: string }
  /** The fields that are columns, by their names in the model. */
  readonly fields: ReadonlyMap<string, Field>
  /** Fields of a row that is there which are not to be written: its id, and what Prisma sets with every update. */
  readonly kept: ReadonlySet<string>
  /** The fields that the application leaves out of what it reads. */
  readonly omitted: readonly string[]
}

/** @throws TypeError where the client does not describe its models as Prisma 7 does, or speaks to a database that is not known. */
export function describeModel(client: Client, name: string): PrismaModel {
  const description = client._runtimeDataModel?.models?.[name]
  if (!description) {
    throw new TypeError(
      `prismaManager() knows the clients of Prisma 7, and this one does not describe its model ${name}.`,
    )
  }
  const dialect = dialectOf(client)
  const columns = description.fields.filter(({ kind }) => kind !== 'object')
  return {
    dialect,
    table: { ...schemaOf(client, dialect, description), name: description.dbName ?? name },
    fields: new Map(columns.map(field => [field.name, field])),
    kept: keptFields(client._engineConfig?.inlineSchema ?? '', name),
    omitted: omittedFrom(client, name),
  }
}

function omittedFrom({ _globalOmit }: Client, model: string): string[] {
  const omit = _globalOmit?.[`${model.charAt(0).toLowerCase()}${model.slice(1)}`] ?? {}
  return Object.keys(omit).filter(name => omit[name])
}

function dialectOf({ _activeProvider: provider = 'unknown' }: Client): DialectName {
  const dialect = DIALECTS[provider]
  if (dialect) return dialect
  throw new TypeError(`ModelDict works on PostgreSQL, MySQL and SQLite; the Prisma client's provider is "${provider}".`)
}

/** Prisma names the schema in every statement of its own: the model's, else the driver adapter's, else `public`. */
function schemaOf(client: Client, dialect: DialectName, { schema }: ModelDescription): { schema?: string } {
  if (dialect !== 'postgresql') return {}
  const { options } = client._engineConfig?.adapter ?? {}
  const ofAdapter = typeof options?.schema === 'string' ? options.schema : 'public'
  return { schema: schema ?? ofAdapter }
}
