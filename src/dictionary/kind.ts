import { processWide } from '../process/shared.js'
import type { DurableDict } from './durable-dict.js'
import { setKind } from './inspection.js'
import { checkOpenArguments, type OpenArguments } from './open-arguments.js'

/** A dictionary of one store: not a class, since `open` takes what that store needs, but `instanceof` knows its own. */
export interface Kind<Open> {
  readonly open: Open
  [Symbol.hasInstance](value: unknown): value is DurableDict
}

/**
 * @param name - by which other copies of the library know the kind, and `console.log` shows it.
 * @param open - opens such a dictionary; typed by the caller.
 * @param takes - what is checked of its arguments beforehand.
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
