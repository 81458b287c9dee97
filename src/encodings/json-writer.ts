import { isForeignPrototype, MAX_DEPTH, symbolKeyOf } from './walk.js'

/**
 * Returns JSON text for a value that JSON can hold without loss; `undefined` for any other value.
 *
 * JSON can hold `null`, booleans, text, numbers except NaN, the infinities and -0, and trees of plain objects and dense arrays of
 * these, at most 500 levels deep. It cannot hold `undefined`, holes, shared and cyclic references, objects without a prototype, named
 * properties of arrays or symbol keys. `toJSON` is never called.
 *
 * The text is written in one pass, so that each accessor is read once: the checked value is the written value.
 */
export function writePlainJson(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return scalar(value)
  return new Writer().container(value, 1)
}

/** The characters that JSON escapes in text: quotes, backslashes, control characters, lone surrogates. */
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
    // A hole reads as `undefined`, which JSON cannot hold: the loop ends early, whatever the array's length.
    for (let index = 0; index < array.length; index++) {
      const member = this.#member(array[index], depth)
      if (member === undefined) return undefined
      text += (index === 0 ? '[' : ',') + member
    }
    if (Object.keys(array).length !== array.length) return undefined
    return text === '' ? '[]' : `${text}]`
  }
}
