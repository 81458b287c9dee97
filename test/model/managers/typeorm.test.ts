import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataSource, type DataSourceOptions, EntitySchema } from 'typeorm'
import { afterAll, beforeAll } from 'vitest'
import { typeormManager } from '../../../src/backends/model/managers/typeorm.js'
import { postgres } from '../../servers/postgres.js'
import { startServer } from '../../servers/start.js'
import type { Server } from '../../servers/types.js'
import { managerBattery, type Opened } from './battery.js'

abstract class Base {
  id?: number
  key!: string
  value!: unknown
  note!: string
  constructed = true
}
class Setting extends Base {}
class JsonSetting extends Base {}
class BytesSetting extends Base {}

type ValueType = 'text' | 'jsonb' | 'simple-json' | 'bytea' | 'blob'

function schemaOf(target: new () => Base, tableName: string, value: ValueType): EntitySchema<Base> {
  return new EntitySchema<Base>({
    name: target.name,
    target,
    tableName,
    columns: {
      id: { type: Number, primary: true, generated: true },
      key: { type: 'varchar', name: 'setting key', unique: true, length: 512 },
      value: { type: value, name: 'settingValue' },
      note: { type: 'text', default: 'none' },
    },
  })
}

async function open(options: DataSourceOptions, json: ValueType, bytes: ValueType): Promise<Opened> {
  const entities = [
    schemaOf(Setting, 'my settings', 'text'),
    schemaOf(JsonSetting, 'json_settings', json),
    schemaOf(BytesSetting, 'bytes_settings', bytes),
  ]
  const source = await new DataSource({ ...options, entities, synchronize: true } as DataSourceOptions).initialize()
  const other = await new DataSource({ ...options, entities } as DataSourceOptions).initialize()
  return {
    manager: typeormManager(source.getRepository(Setting)),
    other: typeormManager(other.getRepository(Setting)),
    json: typeormManager(source.getRepository(JsonSetting)),
    bytes: typeormManager(source.getRepository(BytesSetting)),
    names: { table: 'my settings', key: 'setting key', value: 'settingValue' },
    async end() {
      await source.destroy()
      await other.destroy()
    },
  }
}

let server: Server
let folder: string

beforeAll(async () => {
  server = await startServer(postgres)
  folder = await mkdtemp(join(tmpdir(), 'durabledict-typeorm-'))
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** libsql has the interface of better-sqlite3. */
const sqlite = (name: string): DataSourceOptions => ({
  type: 'better-sqlite3',
  driver: createRequire(import.meta.url)('libsql'),
  database: join(folder, name),
  enableWAL: true,
})

managerBattery('TypeORM on PostgreSQL', () => open({ type: 'postgres', url: server.url }, 'jsonb', 'bytea'))

managerBattery('TypeORM on SQLite', () => open(sqlite('app.db'), 'simple-json', 'blob'))
