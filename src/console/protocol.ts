/** What the server answers, and the page reads. Nothing here may import: the page runs in browsers. */
export interface Info {
  readonly name: string
  readonly user: string
  readonly readOnly: boolean
  /** Whether there is a history. */
  readonly history: boolean
  /** Whether there is a registry of replicas, and the user may see it. */
  readonly replicas: boolean
  /** The version of the library. */
  readonly library: string
}

/** The latest change of a key. */
export interface LatestChange {
  /** In milliseconds since 1970, by the store's clock. */
  readonly at: number
  readonly by?: string | undefined
}

/** One line of the list. */
export interface Item {
  readonly key: string
  /** False: its default counts. */
  readonly stored: boolean
  /** Whether the defaults or the schema name it. A key that is neither stored nor declared is gone. */
  readonly declared: boolean
  readonly writable: boolean
  /** Its value does not leave the server. */
  readonly masked?: true
  /** The beginning of the value. */
  readonly preview?: string
  /** Whether the stored value is another one than the default. Absent if there is none. */
  readonly differs?: boolean
  /** Present if the stored value cannot be decoded, or its schema refuses it. */
  readonly unfit?: true
  readonly changed?: LatestChange | undefined
}

/** The keys that the user may see. */
export interface ItemList {
  readonly items: readonly Item[]
  /** Whether the store answers; otherwise this is what memory holds. */
  readonly reachable: boolean
  /** In ms. */
  readonly staleness: number
}

/** Something that a schema says about a value. */
export interface Issue {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** One key with all that the page needs to edit it. */
export interface KeyEntry<S extends object = object> extends Item {
  /** Names the value shown: a change is carried out only if it is still stored. */
  readonly token: string
  /** The stored value. Absent if none is stored, it has no text, or it is masked. */
  readonly text?: string
  /** Why the stored value has no text. */
  readonly fault?: string
  /** Present if there is a default, to which a removed key goes back. */
  readonly hasDefault?: true
  /** The text of the default. Absent if it has none, or is masked. */
  readonly default?: string
  readonly schema?: S
  /** What the schema says about the stored value. */
  readonly issues?: readonly Issue[]
}

/** A value of the history: its text, the beginning of a long one, or why there is none. */
export interface Side {
  readonly text?: string
  readonly preview?: string
  readonly fault?: string
}

/** What a commit did to one key. */
export interface Change {
  readonly key: string
  readonly masked?: true
  /** Absent if the key was absent, or is masked. */
  readonly before?: Side
  readonly after?: Side
}

/** One entry of the history. */
export interface Commit {
  readonly id: string
  readonly at: number
  readonly by?: string | undefined
  readonly reason?: string | undefined
  readonly via: string
  /** Those that the user may see. */
  readonly changes: readonly Change[]
  /** How many further changes it has that the user may see. */
  readonly more?: number
  /** Whether the user may revert it. */
  readonly revertible: boolean
}

/** One page of the history. */
export interface HistoryAnswer {
  readonly commits: readonly Commit[]
  /** Pass it as `before` to continue; absent at the end. */
  readonly next?: string
  /** Whether the store has every commit since the dictionary was created. */
  readonly complete: boolean
}
