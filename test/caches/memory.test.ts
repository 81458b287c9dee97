import { describe, expect, it } from 'vitest'
import { memoryVersions } from '../../src/backends/model/versions/caches/memory.js'
import { cacheSuite } from './cache-suite.js'

describe('versions in memory', () => {
  const cache = memoryVersions()
  cacheSuite(() => ({ one: cache, other: cache }))

  it('are not shared between objects', async () => {
    await cache.add('key', '1')
    expect(await memoryVersions().get('key')).toBeUndefined()
  })
})
