import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { VersionCache } from '../../src/backends/model/versions/version-cache.js'
import { cacheSuite, newKey } from './cache-suite.js'
import type { OwnServer, Subject } from './subjects.js'

type Ending = Awaited<ReturnType<Subject['open']>>

/** The suite, and what external writers do, on one server. */
export function onServer(subject: Subject): void {
  let server: OwnServer
  let clients: Ending[] = []
  let caches: { one: VersionCache; other: VersionCache }
  beforeAll(async () => {
    server = await subject.start()
    clients = await Promise.all([subject.open(server.port), subject.open(server.port)])
    const [one, other] = clients.map(({ cache }) => cache) as [VersionCache, VersionCache]
    caches = { one, other }
  })
  afterAll(async () => {
    for (const { end } of clients) await end()
    await server?.stop()
  })

  describe(subject.name, () => {
    cacheSuite(() => caches)

    it.each(['abc', '-5', '1.5', '007', '9007199254740992'])('rejects %s, left by an external writer', async value => {
      const key = newKey()
      await subject.plant(server.port, key, value)
      await expect(caches.one.get(key)).rejects.toMatchObject({
        code: 'DURABLEDICT_STORE_UNAVAILABLE',
        message: expect.stringContaining(`"${key}"`),
      })
      expect(await caches.one.add(key, '1')).toBe(false)
    })

    it('refuses to count beyond 2^53', async () => {
      const key = newKey()
      await caches.one.add(key, '9007199254740991')
      await expect(caches.one.incr(key)).rejects.toThrow(/delete that key/)
    })

    it('reports that it cannot increment what an external writer left', async () => {
      const key = newKey()
      await subject.plant(server.port, key, 'abc')
      await expect(caches.one.incr(key)).rejects.toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
    })

    it('has no versions left after a flush', async () => {
      const key = newKey()
      await caches.one.add(key, '41')
      await subject.flush(server.port)
      expect(await caches.other.incr(key)).toBeUndefined()
      expect(await caches.one.get(key)).toBeUndefined()
      expect(await caches.one.add(key, '51')).toBe(true)
      expect(await caches.other.incr(key)).toBe('52')
    })
  })
}
