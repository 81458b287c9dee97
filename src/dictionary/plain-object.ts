import type { FrozenState } from '../replica/frozen-state.js'
import type { Defaults } from './defaults.js'

/** Returns all entries of a state and the defaults of the other keys. Throws if one of them cannot be decoded. */
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

/** Defines an own member. Assigning to `__proto__` would not create one. */
function define(object: object, key: string, read: () => unknown): void {
  const value = read()
  // A value that cannot be frozen is decoded for each reader, so that readers cannot change each other's values.
  const isShared = typeof value !== 'object' || value === null || read() === value
  Object.defineProperty(object, key, isShared ? { value, enumerable: true } : { get: read, enumerable: true })
}
