/** The largest count that is accepted. Beyond it, a sum of a few counts may exceed the exact range of a number. */
const LARGEST_COUNT = 2 ** 52

const TOKEN = /^[0-9a-f]{1,64}$/

/** Parses a whole number in any form that a driver returns; `undefined` if it is too large to add to, or not a whole number. */
export function toCount(value: unknown): number | undefined {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
  if (typeof text !== 'string' || !/^\d{1,16}$/.test(text)) return undefined
  const count = Number(text)
  return count <= LARGEST_COUNT ? count : undefined
}

/** Whether the value is an epoch or a nonce. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && TOKEN.test(value)
}
