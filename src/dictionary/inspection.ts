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

/** What the runtime calls it with. */
export type InspectArguments = [depth: number, options?: object, inspect?: Inspect]

const kinds = processWide('kinds', () => new WeakMap<object, string>())

/** What Node.js, Bun and Deno look for before they print an object. */
export const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** Names the kind of a dictionary, as text: minifiers rename classes. */
export function setKind(dictionary: object, kind: string): void {
  kinds.set(dictionary, kind)
}

/** `RedisDict { name: 'settings', keys: 12, live: true, staleness: 4 }`, without any value. */
export function inspectDictionary(
  dictionary: object,
  shown: Inspected,
  ...[depth, options, inspect]: InspectArguments
): unknown {
  const kind = kinds.get(dictionary) ?? 'DurableDict'
  if (depth < 0) return `[${kind}]`
  return inspect ? `${kind} ${inspect(shown, options)}` : { [kind]: shown }
}
