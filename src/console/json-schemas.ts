import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { isPromise } from '../contract/is-promise.js'
import { optionalPackage } from '../packages/optional-package.js'

type Convert = (schema: StandardSchemaV1) => object | undefined

interface ValibotConverter {
  toJsonSchema(schema: StandardSchemaV1, options: { errorMode: 'ignore'; typeMode: 'input' }): object
}

/** Returns the JSON Schema of schemas, from which the page builds forms. */
export class JsonSchemas {
  readonly #known = new WeakMap<StandardSchemaV1, Promise<object | undefined>>()
  readonly #convert: Convert | undefined

  /** @param convert - of the application; its answer counts, unless it is `undefined`. */
  constructor(convert: Convert | undefined) {
    this.#convert = convert
  }

  /** Returns the schema of what may be written; `undefined` if its library offers none, or it cannot be expressed. */
  of(schema: StandardSchemaV1 | undefined): Promise<object | undefined> {
    if (!schema) return Promise.resolve(undefined)
    const known = this.#known.get(schema) ?? this.#of(schema).catch(() => undefined)
    this.#known.set(schema, known)
    return known
  }

  async #of(schema: StandardSchemaV1): Promise<object | undefined> {
    return plain(this.#convert?.(schema)) ?? plain(standard(schema)) ?? plain(await byPackage(schema))
  }
}

/** Without prototypes, functions and cycles. */
function plain(schema: unknown): object | undefined {
  if (typeof schema !== 'object' || schema === null || isPromise(schema)) return undefined
  return JSON.parse(JSON.stringify(schema)) as object
}

function standard(schema: StandardSchemaV1): object | undefined {
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1.Props>
  try {
    return jsonSchema?.input({ target: 'draft-2020-12' })
  } catch {
    return undefined
  }
}

async function byPackage(schema: StandardSchemaV1): Promise<object | undefined> {
  if (schema['~standard'].vendor !== 'valibot') return undefined
  const valibot = await optionalPackage<ValibotConverter>('@valibot/to-json-schema')
  return valibot?.toJsonSchema(schema, { errorMode: 'ignore', typeMode: 'input' })
}
