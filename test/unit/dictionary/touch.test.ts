import { describe, expect, test } from 'vitest'
import { ClosedError, DurableDict, InvalidKeyError, MemoryDict, UnsupportedError } from '../../../src/index.js'

describe('touch()', () => {
  test('changes the version and no value', async () => {
    const dict = await MemoryDict.open()
    await dict.update({ a: 1, b: 2 })
    const { version } = dict
    await dict.touch('a', 'missing')
    expect(dict.version).not.toBe(version)
    await dict.touch()
    expect(dict.local.toObject()).toEqual({ a: 1, b: 2 })
    await dict.close()
  })

  test('needs a writable, open dictionary on a backend with commit(), and keys', async () => {
    const dict = await MemoryDict.open()
    await expect(dict.touch('')).rejects.toBeInstanceOf(InvalidKeyError)
    await dict.close()
    await expect(dict.touch('a')).rejects.toBeInstanceOf(ClosedError)
    const reader = await MemoryDict.open(undefined, { readOnly: true })
    await expect(reader.touch('a')).rejects.toBeInstanceOf(UnsupportedError)
    await reader.close()
    const entries = new Map<string, string>()
    let version = 0
    const four = await DurableDict.open({
      name: 'four',
      persist: (key: string, stored: string) => {
        entries.set(key, stored)
        version += 1
      },
      depersist: (key: string) => {
        version += 1
        return entries.delete(key)
      },
      durables: () => entries,
      lastUpdated: () => `${version}`,
    })
    await expect(four.touch('a')).rejects.toBeInstanceOf(UnsupportedError)
    await four.close()
  })
})
