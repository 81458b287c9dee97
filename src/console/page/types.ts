import type { KeyEntry } from '../protocol'

export type { Change, Commit, HistoryAnswer, Info, Issue, Item, ItemList, Side } from '../protocol'

export type Entry = KeyEntry<JsonSchema>

export interface Identity {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly service?: string
}

export interface Replica extends Identity {
  readonly library: string
  readonly maxStaleness?: number
  readonly live: boolean
  readonly version?: string
  readonly lastSeen: string
  readonly state: 'current' | 'behind' | 'silent'
  readonly behind?: number
}

export interface Progress {
  readonly current: number
  readonly total: number
  readonly waitingFor: readonly Identity[]
}

/** The part of JSON Schema that forms are built from. */
export interface JsonSchema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
  readonly title?: string
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
}
