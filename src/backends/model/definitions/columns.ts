/** The two tables of the versions, for the definitions that each library's migrations compare with the database. */
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
export const VERSION_TABLES: readonly [VersionTable, VersionTable] = [
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
    ],
  },
]
