import { processWide } from '../process/shared.js'
import type { DurableDict } from './durable-dict.js'
import { setKind } from './inspection.js'
import { checkOpenArguments, type OpenArguments } from './open-arguments.js'

/** The dictionaries of one store. It is not a class because `open` takes that store's own arguments, but it supports `instanceof`. */
export interface Kind<Open> {
  readonly open: Open
  [Symbol.hasInstance](value: unknown): value is DurableDict
}

/**
 * @param name - identifies the kind in other copies of the library, and in `console.log`.
 * @param open - opens such a dictionary; the caller declares its type.
 * @param takes - the arguments to check before opening.
 */
export function kindOf<Open>(
  name: string,
  open: (...args: never) => Promise<DurableDict>,
  takes?: OpenArguments,
): Kind<Open> {
  const opened = processWide(`dictionaries of ${name}`, () => new WeakSet<object>())
  return {
    open: (async (...args: never) => {
      if (takes) checkOpenArguments(name, takes, args)
      const dict = await open(...args)
      opened.add(dict)
      setKind(dict, name)
      return dict
    }) as Open,
    [Symbol.hasInstance]: (value): value is DurableDict =>
      typeof value === 'object' && value !== null && opened.has(value),
  }
}
