import { expect, onTestFinished, test } from 'vitest'
import { PostgresDict, StoreUnavailableError } from '../../src/index.js'
import { Door } from '../last-known/door.js'
import { checkMatrix, folder } from '../last-known/matrix.js'
import { testServer } from './test-server.js'

const server = testServer()

async function place(client: (url: string) => Parameters<typeof PostgresDict.open>[1]) {
  const name = server.it.name()
  const door = await Door.to(Number(new URL(server.it.server.url).port))
  onTestFinished(() => door.remove())
  const own = client(door.reroute(server.it.server.url))
  return {
    open: (options: object) => PostgresDict.open(name, own, options),
    direct: () => PostgresDict.open(name, server.it.pool()),
    shut: () => door.shut(),
    reopen: () => door.open(),
  }
}

test('dictionaries by URL and on a pool start without their server', async () => {
  const places = await Promise.all([place(url => url), place(url => server.it.pool({ url, max: 20 }))])
  await Promise.all(places.map(each => checkMatrix(each)))
})

test('open rejects if the server refuses the login or the database, even with a last known file', async () => {
  const lastKnown = `${await folder()}/last.json`
  const name = server.it.name()
  await (await server.it.open(name, { lastKnown })).close()
  for (const url of [server.it.urlOf('no such database'), server.it.urlOf('postgres', 'nobody')]) {
    await expect(PostgresDict.open(name, url, { lastKnown })).rejects.toThrow(StoreUnavailableError)
  }
})
