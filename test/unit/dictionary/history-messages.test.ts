import { describe, expect, test } from 'vitest'
import { HistoryError, MemoryDict } from '../../../src/index.js'

describe('the history rejects', () => {
  test('an author that is too long, with its size', async () => {
    const dict = await MemoryDict.open()
    const write = dict.set('theme', 'dark', { by: 'é'.repeat(150) })
    await expect(write).rejects.toThrow('of at most 256 bytes of UTF-8; got a text of 300 bytes.')
    expect(await dict.has('theme')).toBe(false)
  })

  test('a time that is a string, and asks for a Date', async () => {
    const dict = await MemoryDict.open()
    const past = dict.at('2026-01-01')
    await expect(past).rejects.toThrow(HistoryError)
    await expect(past).rejects.toThrow('For a point in time, pass a Date.')
  })
})
