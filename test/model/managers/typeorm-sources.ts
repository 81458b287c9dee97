import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ColumnType, DataSource, EntitySchema, type EntitySchemaColumnOptions } from 'typeorm'
import { typeormManager } from '../../../src/backends/model/managers/typeorm/typeorm-manager.js'
import { mariadb } from '../../servers/mariadb.js'
import { postgres } from '../../servers/postgres.js'
import { startServer } from '../../servers/start.js'

/** A data source, and how to open another one to the same database. */
export interface Source {
  readonly source: DataSource
  another(entities?: EntitySchema[]): Promise<DataSource>
  end(): Promise<void>
}

export class Setting {
  declare id: number
  declare key: string
  declare value: string
  declare note: string
  declare size: string | null
  declare createdAt: Date
}

export class Mapped {
  declare settingKey: string
  declare settingValue: string
}

class Json {}
class Jsonb {}
class Bytes {}

const key: EntitySchemaColumnOptions = { type: 'varchar', length: 512, primary: true }

const other = (target: new () => object, tableName: string, type: ColumnType) =>
  new EntitySchema<object>({ name: tableName, target, tableName, columns: { key, value: { type } } as object })

const TIMES: Readonly<Record<string, ColumnType>> = { bytea: 'timestamptz', blob: 'datetime', longblob: 'datetime' }

/** The suite's entities, for a database whose byte columns have this type. */
export const entitiesOf = (bytes: 'bytea' | 'blob' | 'longblob'): EntitySchema[] => [
  new EntitySchema<Setting>({
    name: 'Setting',
    target: Setting,
    tableName: 'settings',
    columns: {
      id: { type: Number, primary: true, generated: true },
      key: { type: 'varchar', length: 512, unique: true },
      value: { type: 'text' },
      note: { type: 'varchar', default: 'none' },
      size: { type: 'bigint', nullable: true },
      createdAt: { type: TIMES[bytes] as ColumnType, name: 'created_at', createDate: true },
    },
  }),
  new EntitySchema<Mapped>({
    name: 'Mapped',
    target: Mapped,
    tableName: 'app_settings',
    columns: { settingKey: { ...key, name: 'setting_key' }, settingValue: { type: 'text', name: 'setting_value' } },
  }),
  other(Json, 'json_settings', 'json'),
  other(Jsonb, 'jsonb_settings', bytes === 'longblob' ? 'json' : 'jsonb'),
  other(Bytes, 'bytes_settings', bytes),
]

/** Managers of the tables whose values are not text. */
export function settingsOf(source: DataSource) {
  const [json, jsonb, bytes] = [Json, Jsonb, Bytes].map(target => typeormManager(source.getRepository<object>(target)))
  return { json, jsonb, bytes } as Record<'json' | 'jsonb' | 'bytes', ReturnType<typeof typeormManager>>
}

export async function onPostgres(): Promise<Source> {
  const server = await startServer(postgres)
  return sources(
    entities => new DataSource({ type: 'postgres', url: server.url, poolSize: 4, entities }),
    'bytea',
    () => server.stop(),
  )
}

export async function onMariadb(): Promise<Source> {
  const server = await startServer(mariadb)
  return sources(
    entities => new DataSource({ type: 'mariadb', url: server.url, poolSize: 4, entities }),
    'longblob',
    () => server.stop(),
  )
}

/** libsql has the interface of better-sqlite3. */
export async function onSqlite(): Promise<Source> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-typeorm-'))
  const driver = createRequire(import.meta.url)('libsql')
  const database = join(folder, 'app.db')
  return sources(
    entities => new DataSource({ type: 'better-sqlite3', driver, database, enableWAL: true, entities }),
    'blob',
    () => rm(folder, { recursive: true }),
  )
}

async function sources(
  create: (entities: EntitySchema[]) => DataSource,
  bytes: 'bytea' | 'blob' | 'longblob',
  stop: () => Promise<void>,
): Promise<Source> {
  const opened: DataSource[] = []
  const another = async (entities = entitiesOf(bytes)) => {
    const source = await create(entities).initialize()
    opened.push(source)
    return source
  }
  return {
    source: await another(),
    another,
    async end() {
      for (const source of opened) await source.destroy()
      await stop()
    },
  }
}
