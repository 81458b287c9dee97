import type { FrozenState } from '../replica/frozen-state.js'
import type { Defaults } from './defaults.js'

/** All entries of a state, and the defaults of the other keys. Throws when one of them cannot be decoded. */
export function toPlainObject(state: FrozenState, defaults: Defaults): object {
  const object = {}
  for (const key of new Set([...defaults.keys(), ...state.keys()])) {
    define(object, key, () => {
      const value = state.get(key)
      return value === undefined ? defaults.of(key) : value
    })
  }
  return Object.freeze(object)
}

/** As a member of its own, whatever its name: assigned, `__proto__` would be none. */
function define(object: object, key: string, read: () => unknown): void {
  const value = read()
  // A value that cannot be frozen is decoded for each reader, so that no one alters what another one reads.
  const isShared = typeof value !== 'object' || value === null || read() === value
  Object.defineProperty(object, key, isShared ? { value, enumerable: true } : { get: read, enumerable: true })
}
