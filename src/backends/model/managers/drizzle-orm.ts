import { UnsupportedError } from '../../../errors/errors.js'
import type { Column, Selected } from './drizzle-shapes.js'

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

const NAME = 'drizzle-orm'
let loaded: DrizzleOrm | undefined

/** @throws UnsupportedError where it is not installed beside the library. */
export async function drizzleOrm(): Promise<DrizzleOrm> {
  loaded ??= await load()
  return loaded
}

async function load(): Promise<DrizzleOrm> {
  try {
    return await import(NAME)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new UnsupportedError('drizzleManager() needs the package drizzle-orm: npm install drizzle-orm', { cause })
  }
}
