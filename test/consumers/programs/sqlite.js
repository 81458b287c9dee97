import { SqliteDict } from 'durabledict'
import Database from 'libsql'
import { check, run } from './check.js'

run(async () => {
  await check(await SqliteDict.open('settings', `sqlite-${process.pid}.db`, { driver: Database }), SqliteDict)
  // The engine that the library finds when the program runs.
  await check(await SqliteDict.open('settings', `found-${process.pid}.db`), SqliteDict)
})
