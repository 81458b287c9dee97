import type { DialectName } from '../../../src/backends/sql/dialect.js'

/** A key of up to 512 bytes, compared by its bytes. */
const KEY: Readonly<Record<DialectName, string>> = {
  postgresql: 'varchar(512) NOT NULL UNIQUE',
  mysql: 'VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL UNIQUE',
  sqlite: 'TEXT NOT NULL UNIQUE',
}

const VALUE: Readonly<Record<DialectName, string>> = {
  postgresql: 'text NOT NULL',
  mysql: 'LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL',
  sqlite: 'TEXT NOT NULL',
}

const ID: Readonly<Record<DialectName, string>> = {
  postgresql: 'serial PRIMARY KEY',
  mysql: 'INT NOT NULL AUTO_INCREMENT PRIMARY KEY',
  sqlite: 'INTEGER PRIMARY KEY AUTOINCREMENT',
}

const BYTES: Readonly<Record<DialectName, string>> = { postgresql: 'bytea', mysql: 'LONGBLOB', sqlite: 'BLOB' }

/** The suite's tables, for libraries that work on tables made by SQL. */
export function suiteTables(dialect: DialectName): string[] {
  const quote = (name: string) => (dialect === 'mysql' ? `\`${name}\`` : `"${name}"`)
  const [key, value] = [quote('key'), quote('value')]
  const now = dialect === 'mysql' ? 'CURRENT_TIMESTAMP(6)' : 'CURRENT_TIMESTAMP'
  const time = { postgresql: 'timestamptz', mysql: 'DATETIME(6)', sqlite: 'TEXT' }[dialect]
  const others = dialect === 'sqlite' ? ['bytes'] : ['json', 'jsonb', 'bytes']
  const columns = [
    `${key} ${KEY[dialect]}`,
    `${value} ${VALUE[dialect]}`,
    `note varchar(80) NOT NULL DEFAULT 'none'`,
    'size bigint',
    `created_at ${time} NOT NULL DEFAULT ${now}`,
    `id ${ID[dialect]}`,
  ]
  const type = (name: string) => (name === 'bytes' ? BYTES[dialect] : dialect === 'mysql' ? 'json' : name)
  return [
    `CREATE TABLE settings (${columns.join(', ')})`,
    `CREATE TABLE app_settings (setting_key ${KEY[dialect]}, setting_value ${VALUE[dialect]})`,
    ...others.map(name => `CREATE TABLE ${name}_settings (${key} ${KEY[dialect]}, ${value} ${type(name)} NOT NULL)`),
  ]
}
