// A dictionary in PostgreSQL that follows an edit with SQL. PGlite is PostgreSQL inside this process, so that no server is needed.
import { PGlite } from '@electric-sql/pglite'
import { PostgresDict } from 'durabledict/postgres'

const database = await PGlite.create()
const settings = await PostgresDict.open('settings', database, {
  live: true,
  defaults: { theme: 'light', perPage: 20 },
})

const edited = new Promise(resolve =>
  settings.on('change', ({ key, value, by, via }) => {
    console.log(`${key} is ${JSON.stringify(value)}, set by ${by} (${via ?? 'library'})`)
    if (via === 'sql') resolve()
  }),
)
await settings.set('theme', 'dark', { by: 'ada@example.com' })
await database.query(`UPDATE durabledict_entries SET value = '"blue"' WHERE dictionary = 'settings' AND key = 'theme'`)
await edited

for await (const { by, changes } of settings.history()) {
  for (const { key, before, after } of changes) console.log(`history: ${by} changed ${key} from ${before} to ${after}`)
}
await settings.close()
await database.close()
