import { DataTypes, type Model, type ModelStatic, Sequelize } from 'sequelize'
import { mariadb } from '../../servers/mariadb.js'
import { postgres } from '../../servers/postgres.js'
import { startServer } from '../../servers/start.js'

/** A connection pool, and how to open another one to the same database. */
export interface Source {
  readonly sequelize: Sequelize
  another(): Sequelize
  end(): Promise<void>
}

/** The suite's tables as models. */
export function modelsOf(
  sequelize: Sequelize,
): Record<'setting' | 'mapped' | 'json' | 'jsonb' | 'bytes', ModelStatic<Model>> {
  const text = { type: DataTypes.TEXT, allowNull: false }
  const key = { type: DataTypes.STRING(512), primaryKey: true }
  const other = (tableName: string, type: object) =>
    sequelize.define(
      tableName,
      { key, value: { type: type as never, allowNull: false } },
      { tableName, timestamps: false },
    )
  return {
    setting: sequelize.define(
      'Setting',
      {
        id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
        key: { type: DataTypes.STRING(512), allowNull: false, unique: true },
        value: text,
        note: { type: DataTypes.STRING, allowNull: false, defaultValue: 'none' },
        size: DataTypes.BIGINT,
      },
      // The application's default is not the dictionary's.
      { tableName: 'settings', underscored: true, updatedAt: false, defaultScope: { where: { note: 'of the scope' } } },
    ),
    mapped: sequelize.define(
      'Mapped',
      { settingKey: { ...key, field: 'setting_key' }, settingValue: { ...text, field: 'setting_value' } },
      { tableName: 'app_settings', timestamps: false },
    ),
    json: other('json_settings', DataTypes.JSON),
    jsonb: other('jsonb_settings', sequelize.getDialect() === 'postgres' ? DataTypes.JSONB : DataTypes.JSON),
    bytes: other('bytes_settings', DataTypes.BLOB('long')),
  }
}

export const onPostgres = (): Promise<Source> => source(postgres)
export const onMariadb = (): Promise<Source> => source(mariadb)

async function source(spec: typeof postgres): Promise<Source> {
  const server = await startServer(spec)
  const opened: Sequelize[] = []
  const another = () => {
    const sequelize = new Sequelize(server.url, { logging: false, pool: { max: 4 } })
    opened.push(sequelize)
    return sequelize
  }
  return {
    sequelize: another(),
    another,
    async end() {
      for (const sequelize of opened) await sequelize.close()
      await server.stop()
    },
  }
}
