import { randomUUID } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Backend } from 'durabledict'

/** One step of the journal: the key and its new stored value, or the key alone if it was removed. */
type Step = readonly [key: string, stored?: string]

/** Every complete line ends with an id that never recurs. */
const LINE = /^(.*) ([0-9a-f-]{36})$/s
const ID_BYTES = 36

/**
 * Keeps a dictionary in one file on a local disk, for any number of processes. Each write appends a line. The operating
 * system appends it as a whole, and in one order for all. An incomplete line, left by a crash, is skipped. The file only grows.
 */
export class JournalBackend implements Backend {
  readonly name: string
  /** A check reads the end of the file only. */
  readonly pollEvery = 20
  readonly #path: string

  constructor(path: string) {
    this.name = path
    this.#path = path
  }

  async persist(key: string, stored: string): Promise<void> {
    await this.#append([key, stored])
  }

  async depersist(key: string): Promise<boolean> {
    if (!(await this.durables()).has(key)) return false
    // Others may have removed it in the meantime: the order of the lines decides.
    const id = await this.#append([key])
    return (await this.#replay(id)).has(key)
  }

  durables(): Promise<Map<string, string>> {
    return this.#replay()
  }

  /** The length of the file, and the id of its last line. */
  async lastUpdated(): Promise<string> {
    const file = await open(this.#path).catch(unlessMissing)
    if (!file) return 'empty'
    try {
      const { size } = await file.stat()
      const { buffer } = await file.read(Buffer.alloc(ID_BYTES), 0, ID_BYTES, Math.max(size - ID_BYTES, 0))
      return `${size} ${buffer.toString('latin1')}`
    } finally {
      await file.close()
    }
  }

  /** The entries before the line with this id, or the current ones. */
  async #replay(before?: string): Promise<Map<string, string>> {
    const entries = new Map<string, string>()
    for (const line of ((await readFile(this.#path, 'utf8').catch(unlessMissing)) ?? '').split('\n')) {
      const [, text = '', id] = LINE.exec(line) ?? []
      if (id === undefined) continue
      if (id === before) break
      const [key, stored] = JSON.parse(text) as Step
      if (stored === undefined) entries.delete(key)
      else entries.set(key, stored)
    }
    return entries
  }

  async #append(step: Step): Promise<string> {
    const id = randomUUID()
    // The line break comes first, so that an incomplete line before this one cannot damage it.
    const line = Buffer.from(`\n${JSON.stringify(step)} ${id}`)
    const file = await open(this.#path, 'a')
    try {
      const { bytesWritten } = await file.write(line)
      if (bytesWritten < line.length) throw new Error(`Only ${bytesWritten} of ${line.length} bytes were written.`)
      await file.sync()
    } finally {
      await file.close()
    }
    await syncFolder(dirname(this.#path))
    return id
  }
}

/** Makes the file's name durable as well. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  await folder.sync().finally(() => folder.close())
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
