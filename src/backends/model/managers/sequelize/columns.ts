import type { ColumnKind } from '../../../sql/dialect.js'
import { checkedColumns } from '../../../sql/replies.js'
import type { Columns, RowQuery } from '../manager.js'
import type { Instance, Model, Sequelize } from './shape.js'

const KINDS: Readonly<Record<string, ColumnKind>> = {
  STRING: 'text',
  TEXT: 'text',
  CHAR: 'text',
  CITEXT: 'text',
  JSON: 'json',
  JSONB: 'json',
  BLOB: 'bytes',
}

/** What a column holds; `undefined` where the database knows better. */
export function kindOf(model: Model, property: string): ColumnKind | undefined {
  return KINDS[model.rawAttributes[property]?.type.key ?? '']
}

/** Returns whether the property is a column rather than a virtual attribute. */
export function isColumn(model: Model, property: string): boolean {
  const attribute = Object.hasOwn(model.rawAttributes, property) ? model.rawAttributes[property] : undefined
  return attribute !== undefined && attribute.type.key !== 'VIRTUAL'
}

/** Reads columns alone, as plain values: raw, but where a getter of the model has a say. */
export class LeanRows {
  readonly #model: Model
  readonly #properties: readonly string[]

  constructor(model: Model, { columns }: RowQuery & { readonly columns: readonly string[] }) {
    this.#model = model
    this.#properties = columns
  }

  async read(options: object): Promise<readonly Columns[]> {
    // Only instances have the attributes by their names if identifiers are not quoted.
    const { rawAttributes, sequelize } = this.#model
    const isPlain = sequelize?.options.quoteIdentifiers !== false
    if (!isPlain || this.#properties.some(property => rawAttributes[property]?.get)) {
      const instances = await this.#model.findAll({ ...options, attributes: this.#properties })
      return instances.map(instance => this.#each(property => (instance as Instance).get(property)))
    }
    const attributes = this.#properties.map(property => this.#selected(property))
    const found = await this.#model.findAll({ ...options, attributes, raw: true })
    const wanted = this.#properties.map(property => (this.#isJson(property) ? jsonText(property) : property))
    return checkedColumns<Columns>('Sequelize', wanted, found).map(row =>
      this.#each(property => this.#parsed(row, property)),
    )
  }

  #each(value: (property: string) => unknown): Columns {
    return Object.fromEntries(this.#properties.map(property => [property, value(property)]))
  }

  #selected(property: string): unknown {
    if (!this.#isJson(property)) return property
    const { sequelize, rawAttributes } = this.#model
    const { cast, col } = sequelize as Sequelize
    const type = this.#model.sequelize?.getDialect() === 'postgres' ? 'text' : 'char'
    return [cast(col(rawAttributes[property]?.field ?? property), type), jsonText(property)]
  }

  #parsed(row: Columns, property: string): unknown {
    if (!this.#isJson(property)) return row[property]
    const text = row[jsonText(property)]
    return typeof text === 'string' ? JSON.parse(text) : text
  }

  /** Drivers give JSON parsed or as text, by their versions and options, and text may be either: it is read as text. */
  #isJson(property: string): boolean {
    return kindOf(this.#model, property) === 'json'
  }
}

const jsonText = (property: string) => `json of ${property}`
