/** The tables of the versions, the history and the replicas, for the definitions that each library's migrations compare with the database. */
export interface VersionTable {
  readonly name: string
  /** What a model or an entity of it is called. */
  readonly model: string
  readonly columns: readonly VersionColumn[]
}

interface VersionColumn {
  readonly name: string
  readonly type: 'name' | 'whole' | 'real' | 'long'
  readonly key?: true
  readonly nullable?: true
}

/** The same as the statements of `versionTables`, as its test holds. */
export const VERSION_TABLES: readonly [VersionTable, VersionTable, VersionTable, VersionTable] = [
  {
    name: 'durabledict_model_versions',
    model: 'DurableDictVersion',
    columns: [
      { name: 'dict', type: 'name', key: true },
      { name: 'format', type: 'whole' },
      { name: 'epoch', type: 'name' },
      { name: 'number', type: 'whole' },
      { name: 'nonce', type: 'name' },
      { name: 'bytes', type: 'whole' },
      { name: 'bound', type: 'real' },
      { name: 'history', type: 'long', nullable: true },
      { name: 'dropped', type: 'long', nullable: true },
    ],
  },
  {
    name: 'durabledict_model_changes',
    model: 'DurableDictChange',
    columns: [
      { name: 'dict', type: 'name', key: true },
      { name: 'number', type: 'whole', key: true },
      { name: 'nonce', type: 'name' },
      { name: 'previous', type: 'name' },
      { name: 'batch', type: 'name' },
      { name: 'effects', type: 'long', nullable: true },
      { name: 'bytes', type: 'whole' },
      { name: 'notes', type: 'long', nullable: true },
    ],
  },
  {
    name: 'durabledict_model_commits',
    model: 'DurableDictCommit',
    columns: [
      { name: 'dict', type: 'name', key: true },
      { name: 'position', type: 'whole', key: true },
      { name: 'part', type: 'whole', key: true },
      { name: 'format', type: 'whole' },
      { name: 'number', type: 'whole' },
      { name: 'nonce', type: 'name' },
      { name: 'at', type: 'whole' },
      { name: 'author', type: 'long', nullable: true },
      { name: 'reason', type: 'long', nullable: true },
      { name: 'via', type: 'name' },
      { name: 'entry_key', type: 'long', nullable: true },
      { name: 'changes', type: 'long' },
    ],
  },
  {
    name: 'durabledict_model_replicas',
    model: 'DurableDictReplica',
    columns: [
      { name: 'dict', type: 'name', key: true },
      { name: 'id', type: 'name', key: true },
      { name: 'format', type: 'whole' },
      { name: 'record', type: 'long' },
      { name: 'version', type: 'name', nullable: true },
      { name: 'bound', type: 'real' },
      { name: 'ttl', type: 'whole' },
      { name: 'renewed', type: 'whole' },
      { name: 'renewal', type: 'name' },
    ],
  },
]
