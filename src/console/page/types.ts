/** The answers of the server, as far as the page reads them. */
export interface Info {
  readonly name: string
  readonly user: string
  readonly readOnly: boolean
  readonly history: boolean
  readonly replicas: boolean
  readonly library: string
}

export interface Item {
  readonly key: string
  readonly stored: boolean
  readonly declared: boolean
  readonly writable: boolean
  readonly masked?: true
  readonly preview?: string
  readonly differs?: boolean
  readonly unfit?: true
  readonly changed?: { readonly at: number; readonly by?: string }
}

export interface Issue {
  readonly path: readonly (string | number)[]
  readonly message: string
}

export interface Entry extends Item {
  readonly token: string
  readonly text?: string
  readonly fault?: string
  readonly default?: string
  readonly schema?: JsonSchema
  readonly issues?: readonly Issue[]
}

export interface Side {
  readonly text?: string
  readonly preview?: string
  readonly fault?: string
}

export interface Change {
  readonly key: string
  readonly masked?: true
  readonly before?: Side
  readonly after?: Side
}

export interface Commit {
  readonly id: string
  readonly at: number
  readonly by?: string
  readonly reason?: string
  readonly via: string
  readonly changes: readonly Change[]
  readonly more?: number
  readonly revertible: boolean
}

export interface HistoryPage {
  readonly commits: readonly Commit[]
  readonly next?: string
  readonly complete: boolean
}

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
