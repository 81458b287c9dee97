import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { error, type Finding } from './finding.js'

/** Looks at the file of an SQLite dictionary. */
export async function sqliteFindings(file: string): Promise<Finding[]> {
  const found = await stat(file).catch(() => undefined)
  if (!found)
    return [
      error(
        'tables',
        `There is no file ${JSON.stringify(file)}.`,
        'Correct the path: a relative one begins at the working directory.',
      ),
    ]
  if (!found.isFile()) return [error('type', `${JSON.stringify(file)} is not a file.`, 'Correct the path.')]
  const [read, write, create] = await Promise.all([
    may(file, constants.R_OK),
    may(file, constants.W_OK),
    may(dirname(file), constants.W_OK),
  ])
  if (!read) return [error('rights', 'The file may not be read.', 'Grant its user the right to read it.')]
  if (!write)
    return [
      error(
        'rights',
        'The file may not be written.',
        'Grant its user the right to write it, unless it is to read only.',
      ),
    ]
  if (!create)
    return [
      error(
        'rights',
        'No file may be created beside it, which SQLite needs for its journal.',
        'Grant the right to write to its folder.',
      ),
    ]
  return []
}

async function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}
