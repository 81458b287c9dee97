import { expect, test } from 'vitest'
import { NoOpEncoding } from '../../../src/encodings/noop-encoding.js'

test('returns the same value, unchanged', () => {
  const encoding = new NoOpEncoding()
  const value = { list: [1], when: new Date(0), call: () => 1 }
  expect(encoding.encode(value)).toBe(value)
  expect(encoding.decode(value)).toBe(value)
  expect(Object.isFrozen(value)).toBe(false)
  expect(encoding.passThrough).toBe(true)
  expect(encoding.name).toBe('NoOpEncoding')
})
