import { DecodingError } from '../../errors/errors.js'
import { MAX_DEPTH } from '../walk.js'
import { Global, Node, OldString, Span, Zone } from './nodes.js'

/** A container that is being filled. */
interface Frame {
  readonly node: Node
  readonly value: object
  readonly depth: number
  at: number
}

/** Turns the nodes of a pickle into values: each node once, with an explicit stack, at most 500 levels deep. */
export class Builder {
  /** How many members were visited, for tests of the cost. */
  steps = 0
  readonly #made = new Map<Node, object>()
  readonly #frames: Frame[] = []

  build(root: unknown): unknown {
    const value = this.#value(root, 1)
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) this.#step(frame)
    return value
  }

  #step(frame: Frame): void {
    const { node, value, at } = frame
    const depth = frame.depth + 1
    this.steps += 1
    if (at >= node.items.length) this.#frames.pop()
    else if (node.kind === 'dict') {
      frame.at += 2
      const key = this.#value(node.items[at], depth)
      addEntry(value, key, this.#value(node.items[at + 1], depth))
    } else {
      frame.at += 1
      const member = this.#value(node.items[at], depth)
      if (Array.isArray(value)) value.push(member)
      else (value as Set<unknown>).add(member)
    }
  }

  #value(item: unknown, depth: number): unknown {
    if (item instanceof Node) return this.#container(item, depth)
    if (item instanceof OldString) return item.value
    if (item instanceof Span) return item.ms
    if (item instanceof Zone || item instanceof Global || typeof item === 'symbol') {
      throw new DecodingError(
        'The stored pickle contains a class, a function or a time zone by itself, which is not plain data',
      )
    }
    return item
  }

  #container(node: Node, depth: number): object {
    const known = this.#made.get(node)
    if (known !== undefined) return known
    const value = emptyValue(node)
    this.#made.set(node, value)
    if (depth > MAX_DEPTH) throw new DecodingError(`The stored pickle is nested more than ${MAX_DEPTH} levels deep`)
    this.#frames.push({ node, value, depth, at: 0 })
    return value
  }
}

/** A dictionary whose keys are all text becomes an object, any other becomes a Map. */
function emptyValue({ kind, items }: Node): object {
  if (kind === 'list' || kind === 'tuple') return []
  if (kind === 'set' || kind === 'frozenset') return new Set()
  return items.every((item, n) => n % 2 === 1 || isText(item)) ? {} : new Map()
}

function isText(key: unknown): boolean {
  return typeof key === 'string' || (key instanceof OldString && typeof key.value === 'string')
}

function addEntry(container: object, key: unknown, value: unknown): void {
  if (container instanceof Map) container.set(key, value)
  else Object.defineProperty(container, key as string, { value, enumerable: true, writable: true, configurable: true })
}
