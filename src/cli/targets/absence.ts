import { existsSync } from 'node:fs'
import { DurableDictError } from '../../errors/errors.js'
import { findingOf } from '../doctor/opening.js'
import { EXIT } from '../exit-codes.js'
import { Failure } from '../failure.js'
import { type Catalog, catalogOf } from '../stores/catalog.js'
import { fileOf, parseStoreUrl } from '../stores/store-url.js'

/** Returns the failure for an error of `open` that says that the dictionary, its file or its tables do not exist. */
export async function absenceBy(error: unknown, url: string): Promise<Failure | undefined> {
  if (!(error instanceof DurableDictError) || findingOf(error).check !== 'tables') return undefined
  const { store, server, name } = parseStoreUrl(url)
  if (store === 'zookeeper') return absence(pathOf(server), '', error)
  const catalog = await catalogOf(url)
  if (store === 'sqlite' && !existsSync(fileOf(server)))
    return absence(name, `There is no file ${JSON.stringify(fileOf(server))}. `, error)
  // A file that cannot be read may have it.
  const isKnown = store === 'postgres' || catalog?.has === false
  return isKnown ? absence(name, listOf(catalog), error) : undefined
}

/** Looks up whether a dictionary without entries exists in the store. Returns the failure if not. */
export async function absenceOf(url: string): Promise<Failure | undefined> {
  const catalog = await catalogOf(url)
  return catalog === undefined || catalog.has ? undefined : absence(parseStoreUrl(url).name, listOf(catalog))
}

function absence(name: string, details: string, cause?: DurableDictError): Failure {
  return new Failure(
    EXIT.different,
    `Dictionary ${JSON.stringify(name)} does not exist in the store. ${details}Correct the URL. The first change, such as durabledict set, creates a dictionary.`,
    cause,
  )
}

/** The path of a dictionary in ZooKeeper. */
function pathOf(server: string): string {
  return server.replace(/^\w+:\/\/[^/]*/, '')
}

/** How many names a message lists. */
const NAMED = 10

/** A sentence and a space, or nothing. */
export function listOf(catalog: Catalog | undefined): string {
  const { others = [] } = catalog ?? {}
  if (others.length === 0) return ''
  const more = others.length > NAMED ? ` and ${others.length - NAMED} more` : ''
  return `The store has ${others
    .slice(0, NAMED)
    .map(name => JSON.stringify(name))
    .join(', ')}${more}. `
}
