/** Any dictionary. */
interface AnyDictionary {
  readonly name: string
  current(): object
}

/**
 * The dictionaries that a request gets snapshots of: an object of dictionaries by name, or an array or a single
 * dictionary, which keep their own names.
 */
export type Dictionaries = AnyDictionary | readonly AnyDictionary[] | Readonly<Record<string, AnyDictionary>>

type SnapshotOf<A> = A extends { current(): infer S } ? S : never

/** The snapshots of a request: `DictsOf<typeof dictionaries>`. */
export type DictsOf<A extends Dictionaries> = A extends AnyDictionary
  ? Readonly<Record<string, SnapshotOf<A>>>
  : A extends readonly AnyDictionary[]
    ? Readonly<Record<string, SnapshotOf<A[number]>>>
    : { readonly [K in keyof A]: SnapshotOf<A[K]> }

/** An object with the snapshots as `dicts`: Express' and Fastify's request, Koa's state, Hono's variables. */
export interface WithDicts<A extends Dictionaries> {
  readonly dicts: DictsOf<A>
}

// biome-ignore lint/suspicious/noExplicitAny: each framework's own request, without importing its types.
type AnyRequest = any

/** The options of the middleware or plugin of each framework. */
export interface FreshPerRequestOptions {
  /**
   * What happens to a request while a dictionary's store cannot be reached. With `'serve'`, the default, the request gets what memory
   * holds, and the dictionary emits `stale` once for each outage, with its cause. With `'fail'`, the framework's error handling
   * answers it with 503 and `Retry-After`.
   *
   * @example
   * app.use(freshPerRequest({ settings }, { whenDown: 'fail' }))
   */
  whenDown?: 'serve' | 'fail' | undefined
  /**
   * How long after memory was confirmed current requests need no check, in milliseconds: bounded staleness. With 0, each
   * request checks. Default: the `maxStaleness` that the dictionary was opened with, else 0. The store
   * records it for writes `{ everywhere: true }`.
   *
   * @example
   * app.use(freshPerRequest({ settings }, { maxStaleness: 100 }))
   */
  maxStaleness?: number | undefined
  /**
   * How long a request waits for the store, in milliseconds, before `whenDown` applies. Default 250; at least 1.
   * Never longer than the dictionary's own `timeout`. Raise it for a slow store.
   *
   * @example
   * app.use(freshPerRequest({ settings }, { patience: 1_000 }))
   */
  patience?: number | undefined
  /**
   * Returns who makes the writes of a request to these dictionaries, for their history; `undefined` if nobody is known. Gets the
   * framework's own request (with Koa and Hono, the context). Called at each write, so that it may use what later middleware found
   * out. Default: the `by` that the dictionary was opened with.
   *
   * @example
   * app.use(freshPerRequest({ settings }, { by: request => request.user?.email }))
   */
  by?: ((request: AnyRequest) => string | undefined) | undefined
}
