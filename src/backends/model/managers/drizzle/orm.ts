import { UnsupportedError } from '../../../../errors/errors.js'
import { optionalPackage } from '../../../../packages/optional-package.js'
import type { Column, Selected } from './shapes.js'

/** A piece of SQL. */
type Sql = object

/** Of the package drizzle-orm, that which is used here. */
export interface DrizzleOrm {
  and(...conditions: unknown[]): Sql | undefined
  asc(column: Column | undefined): Sql
  eq(column: Column | undefined, value: unknown): Sql
  gt(column: Column | undefined, value: unknown): Sql
  inArray(column: Column | undefined, values: readonly unknown[]): Sql
  sql(strings: TemplateStringsArray, ...values: unknown[]): { mapWith(map: (value: string) => unknown): Selected }
}

/** Of the package drizzle-orm, what identifies it. */
export interface DrizzleOperators {
  eq(left: never, right: unknown): unknown
  inArray(column: never, values: never): unknown
  sql(strings: TemplateStringsArray, ...values: never[]): unknown
}

let loaded: DrizzleOrm | undefined

/**
 * @param given - the package itself, when the caller passed it.
 * @throws UnsupportedError if it is not installed beside the library.
 */
export async function drizzleOrm(given: DrizzleOrm | undefined): Promise<DrizzleOrm> {
  if (given) return given
  loaded ??= await load()
  return loaded
}

/** The package, if the caller passed it or it is loaded already. */
export function loadedOrm(given: DrizzleOrm | undefined): DrizzleOrm | undefined {
  return given ?? loaded
}

async function load(): Promise<DrizzleOrm> {
  const installed = await optionalPackage<DrizzleOrm>('drizzle-orm')
  if (installed) return installed
  throw new UnsupportedError(
    'drizzleManager() needs the package drizzle-orm: npm install drizzle-orm. In a bundled program, pass the one that is in ' +
      "the bundle: import * as drizzleOrm from 'drizzle-orm', then drizzleManager(db, table, { drizzleOrm }).",
  )
}
