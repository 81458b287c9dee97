import { isForeignPrototype, MAX_DEPTH, symbolKeyOf } from './walk.js'

/**
 * JSON text for a value that JSON keeps as it is; `undefined` for any other.
 *
 * JSON keeps `null`, booleans, text, numbers but NaN, the infinities and -0, and trees of plain objects and dense arrays of these,
 * at most 500 levels deep. Whatever else would be lost is not plain: `undefined`, holes, shared and cyclic references, objects
 * without a prototype, named properties of arrays, symbol keys. `toJSON` is never called.
 *
 * The text is written in one pass, so that an accessor is read once: what it returned is what was checked.
 */
export function writePlainJson(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return scalar(value)
  return new Writer().container(value, 1)
}

/** What JSON escapes in text: quotes, backslashes, control characters, halves of surrogate pairs. */
const ESCAPED = /["\\\p{Cc}\p{Surrogate}]/u

function quoted(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`
}

function scalar(value: unknown): string | undefined {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? String(value) : undefined
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return value === null ? 'null' : undefined
}

class Writer {
  readonly #seen = new Set<object>()

  container(container: object, depth: number): string | undefined {
    if (depth > MAX_DEPTH || this.#seen.has(container)) return undefined
    this.#seen.add(container)
    if (symbolKeyOf(container) !== undefined) return undefined
    const prototype = Object.getPrototypeOf(container)
    if (!Array.isArray(container)) {
      const plain = prototype === Object.prototype || (prototype !== null && isForeignPrototype(prototype, 'Object'))
      return plain ? this.#object(container as Record<string, unknown>, depth) : undefined
    }
    const plain = prototype === Array.prototype || (prototype !== null && isForeignPrototype(prototype, 'Array'))
    return plain ? this.#array(container, depth) : undefined
  }

  #member(value: unknown, depth: number): string | undefined {
    if (typeof value !== 'object' || value === null) return scalar(value)
    return this.container(value, depth + 1)
  }

  #object(object: Record<string, unknown>, depth: number): string | undefined {
    let text = ''
    for (const key of Object.keys(object)) {
      const member = this.#member(object[key], depth)
      if (member === undefined) return undefined
      text += `${text === '' ? '{' : ','}${quoted(key)}:${member}`
    }
    return text === '' ? '{}' : `${text}}`
  }

  #array(array: unknown[], depth: number): string | undefined {
    let text = ''
    // A hole reads as `undefined`, which is not plain either; so this ends soon, whatever length is claimed.
    for (let index = 0; index < array.length; index++) {
      const member = this.#member(array[index], depth)
      if (member === undefined) return undefined
      text += (index === 0 ? '[' : ',') + member
    }
    if (Object.keys(array).length !== array.length) return undefined
    return text === '' ? '[]' : `${text}]`
  }
}
