import { processWide } from '../process/shared.js'

/** What `console.log` shows of a dictionary. */
export interface Inspected {
  readonly name: string
  readonly keys: number
  readonly live: boolean
  /** In ms. */
  readonly staleness: number
  readonly closed?: true
}

type Inspect = (value: unknown, options?: object) => string

/** The arguments that the runtime passes. */
export type InspectArguments = [depth: number, options?: object, inspect?: Inspect]

const kinds = processWide('kinds', () => new WeakMap<object, string>())

/** The symbol of the method that Node.js, Bun and Deno call to print an object. */
export const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** Sets the name of a dictionary's kind as text, because minifiers rename classes. */
export function setKind(dictionary: object, kind: string): void {
  kinds.set(dictionary, kind)
}

/** Returns `RedisDict { name: 'settings', keys: 12, live: true, staleness: 4 }`, without any value. */
export function inspectDictionary(
  dictionary: object,
  shown: Inspected,
  ...[depth, options, inspect]: InspectArguments
): unknown {
  const kind = kinds.get(dictionary) ?? 'DurableDict'
  if (depth < 0) return `[${kind}]`
  return inspect ? `${kind} ${inspect(shown, options)}` : { [kind]: shown }
}
