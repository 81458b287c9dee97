import { describe, expect, test } from 'vitest'
import { DecodingError, InvalidValueError, JSONEncoding, MemoryDict, MemoryStore } from '../../../src/index.js'

describe('pop of a value that cannot be decoded', () => {
  test('rejects, and the value is not lost', async () => {
    const store = new MemoryStore()
    const json = await MemoryDict.open(store, { encoding: new JSONEncoding() })
    const rich = await MemoryDict.open(store)
    await rich.set('a', new Map())
    await expect(json.pop('a', 'fallback')).rejects.toThrow(DecodingError)
    expect(await rich.get('a')).toEqual(new Map())
  })

  test('rejects if the value does not match the schema', async () => {
    const store = new MemoryStore()
    const anything = await MemoryDict.open(store)
    const validate = (value: unknown) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }
    const numbers = await MemoryDict.open(store, {
      schema: { a: { '~standard': { version: 1, vendor: 'test', validate } } },
    })
    await anything.set('a', 'text')
    await expect(numbers.pop('a')).rejects.toThrow(InvalidValueError)
    expect(await anything.get('a')).toBe('text')
  })
})

describe('a schema whose output is undefined', () => {
  test('rejects the write', async () => {
    const validate = () => ({ value: undefined })
    const dict = await MemoryDict.open(undefined, {
      schema: { a: { '~standard': { version: 1, vendor: 'test', validate } } },
    })
    await expect(dict.set('a', undefined as never)).rejects.toThrow(TypeError)
    await expect(dict.set('a', 1 as never)).rejects.toThrow(InvalidValueError)
  })
})
