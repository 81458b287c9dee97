import { execFileSync } from 'node:child_process'
import { findServer } from '../servers/find.js'

/** The command line tool, which knows nothing of the library. Not a server, but found and installed like one. */
const sqlite3 = {
  name: 'sqlite3',
  variable: 'SQLITE3_URL',
  binaries: ['sqlite3'],
  packages: ['sqlite3'],
  command: () => [],
  url: () => '',
}

/** Returns a function that passes statements to the tool, which ends at the first error, and returns its output. */
export async function commandLine(): Promise<(file: string, input: string) => string> {
  const found = await findServer(sqlite3)
  if (found.source !== 'binary') throw new Error('sqlite3 is a program.')
  return (file, input) => execFileSync(found.binary, ['-bail', file], { input, encoding: 'utf8', stdio: 'pipe' })
}
