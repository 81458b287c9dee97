// @ts-check
/** @import { History } from '../types.js' */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The last known files of sessions, read by the library itself. @param {string} dist @param {readonly string[]} paths @returns {Promise<History['files']>} */
export async function readFiles(dist, paths) {
  /** @type {typeof import('../../dist/last-known/read-file.js')} */
  const { readDocument } = await import(pathToFileURL(join(dist, 'last-known/read-file.js')).href)
  const documents = await Promise.all(paths.map(readDocument))
  return documents.flatMap((document, index) => {
    if (!document) return []
    const entries = [...document.entries].map(([key, stored]) => [key, JSON.parse(textOf(stored))])
    return { name: `${paths[index]}`, entries: Object.fromEntries(entries) }
  })
}

/** @param {unknown} stored */
const textOf = stored => (stored instanceof Uint8Array ? Buffer.from(stored).toString() : String(stored))
