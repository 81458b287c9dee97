/** Any dictionary, whatever its values and its store. */
interface AnyDictionary {
  readonly name: string
  current(): object
}

/**
 * What a request is to have a snapshot of: an object of dictionaries, under whose names the request has them; an array or a
 * single one, whose names are then those of the dictionaries.
 */
export type Dictionaries = AnyDictionary | readonly AnyDictionary[] | Readonly<Record<string, AnyDictionary>>

type SnapshotOf<A> = A extends { current(): infer S } ? S : never

/** The snapshots that a request has: `DictsOf<typeof dictionaries>`. */
export type DictsOf<A extends Dictionaries> = A extends AnyDictionary
  ? Readonly<Record<string, SnapshotOf<A>>>
  : A extends readonly AnyDictionary[]
    ? Readonly<Record<string, SnapshotOf<A[number]>>>
    : { readonly [K in keyof A]: SnapshotOf<A[K]> }

/** What has the snapshots as its `dicts`: Express' and Fastify's request, Koa's state, Hono's variables. */
export interface WithDicts<A extends Dictionaries> {
  readonly dicts: DictsOf<A>
}

/** What the middleware or plugin of each framework takes after the dictionaries. */
export interface FreshPerRequestOptions {
  /**
   * What becomes of a request while a dictionary's store cannot be reached. `'serve'`, the default: it gets what memory holds,
   * and the dictionary's `stale` event tells of it, once an outage, with its cause. `'fail'`: it is answered with 503 and
   * `Retry-After`, by the framework's own error handling.
   *
   * @example
   * app.use(freshPerRequest({ settings }, { whenDown: 'fail' }))
   */
  whenDown?: 'serve' | 'fail' | undefined
  /**
   * For how long after memory was confirmed current no check is made for a request, in milliseconds: bounded staleness. At
   * least 0, with which each request checks. Default: the `maxStaleness` that the dictionary was opened with, else 0. It is
   * recorded with the dictionary in the store, for writes `{ everywhere: true }`.
   *
   * @example
   * app.use(freshPerRequest({ settings }, { maxStaleness: 100 }))
   */
  maxStaleness?: number | undefined
  /**
   * How long a request waits for the store, in milliseconds, before it is treated as `whenDown` says. Default 250; at least 1.
   * Never longer than the dictionary's own `timeout`. Raise it for a store whose answers take longer.
   *
   * @example
   * app.use(freshPerRequest({ settings }, { patience: 1_000 }))
   */
  patience?: number | undefined
}
