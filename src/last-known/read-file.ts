import { builtin } from '../process/builtin.js'
import { within } from '../time/within.js'
import { type Document, parse, Unusable } from './document.js'

/** Larger files are neither read nor written, in bytes. */
export const MAX_SIZE = 256 * 1024 * 1024

/**
 * Reads a file. Returns `undefined` if there is none.
 *
 * @param timeout - in ms: a network file system may never answer.
 * @throws Unusable, or the error of the system.
 */
export async function readDocument(path: string, timeout: number): Promise<Document | undefined> {
  const bytes = await within(timeout, () => readBytes(path))
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
