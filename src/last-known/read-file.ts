import { builtin } from '../process/builtin.js'
import { within } from '../time/within.js'
import { type Document, parse, Unusable } from './document.js'

/** Larger files are neither read nor written, in bytes. */
export const MAX_SIZE = 256 * 1024 * 1024

/** How long a file system may take, in ms: one of a network may never answer. Not the time limit of the store, which may be short. */
const PATIENCE = 5_000

/**
 * Reads a file. Returns `undefined` if there is none.
 *
 * @throws Unusable, or the error of the system.
 */
export async function readDocument(path: string): Promise<Document | undefined> {
  const whenLate = () => new Unusable(`It could not be read within ${PATIENCE} ms.`)
  const bytes = await within(PATIENCE, () => readBytes(path), undefined, whenLate)
  return bytes && parse(bytes)
}

/** Opening a pipe or a device could wait for ever, or return bytes without end. */
async function readBytes(path: string): Promise<Buffer | undefined> {
  const { promises } = builtin.fs
  try {
    const stat = await promises.stat(path)
    if (!stat.isFile()) throw new Unusable('It is not a file.')
    if (stat.size > MAX_SIZE) throw new Unusable(`It is larger than ${MAX_SIZE / 2 ** 20} MiB.`)
    return await promises.readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
