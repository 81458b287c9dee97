import { pathToFileURL } from 'node:url'

/** The values of SQLite's URI parameter `mode`. */
export type Access = 'rw' | 'ro'

/** Returns the file as a URI with the access mode. */
export function uriOf(file: string, access: Access): string {
  return `${pathToFileURL(file).href}?mode=${access}`
}
