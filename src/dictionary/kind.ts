import { processWide } from '../process/shared.js'
import type { DurableDict } from './durable-dict.js'

/** A dictionary of one store: not a class, since `open` takes what that store needs, but `instanceof` knows its own. */
export interface Kind<Open> {
  readonly open: Open
  [Symbol.hasInstance](value: unknown): value is DurableDict
}

/**
 * @param name - by which other copies of the library know the kind.
 * @param open - opens such a dictionary; typed by the caller.
 */
export function kindOf<Open>(name: string, open: (...args: never) => Promise<DurableDict>): Kind<Open> {
  const opened = processWide(`dictionaries of ${name}`, () => new WeakSet<object>())
  return {
    open: (async (...args: never) => {
      const dict = await open(...args)
      opened.add(dict)
      return dict
    }) as Open,
    [Symbol.hasInstance]: (value): value is DurableDict =>
      typeof value === 'object' && value !== null && opened.has(value),
  }
}
