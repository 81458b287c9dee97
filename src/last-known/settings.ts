/** The option `lastKnown` after validation. Paths are absolute. */
export interface LastKnownSettings {
  readonly file: string
  readonly seed: string | undefined
  /** In ms. */
  readonly maxAge: number | undefined
}

/** Whose file it must be. */
export interface Owner {
  /** The dictionary's name. */
  readonly name: string
  /** The names of the encodings that can read it. The first is the one that writes. */
  readonly encodings: readonly string[]
}
