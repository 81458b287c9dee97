import { readFile } from 'node:fs/promises'
import { expect, onTestFinished } from 'vitest'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../src/conformance/faulty-backend.js'
import { type CommonOptions, DurableDict, MemoryStore } from '../../src/index.js'

/** All calls that a dictionary makes while it opens. */
const OPENING = ['load', 'changesSince', 'lastUpdated', 'registerMaxStaleness', 'register', 'setHistoryPolicy'] as const

/** A store in memory that can be made unreachable. */
export class TestStore {
  store = new MemoryStore()
  readonly #faulty: FaultyBackend[] = []
  readonly name: string
  #isDown = false

  constructor(name = 'settings') {
    this.name = name
  }

  /** Opens a dictionary, which is closed after the test. */
  async open(options: CommonOptions & { defaults?: object } = {}): Promise<DurableDict> {
    const backend = Object.assign(new MemoryBackend(this.store), { name: this.name })
    const faulty = new FaultyBackend(backend)
    this.#faulty.push(faulty)
    if (this.#isDown) faulty.failBefore([...OPENING, 'commit', 'subscribe'])
    const dict = await DurableDict.open(faulty.backend, options as CommonOptions)
    onTestFinished(() => dict.close())
    return dict
  }

  /** Writes a file that holds these entries. */
  async leave(lastKnown: string, entries: object, options: CommonOptions = {}): Promise<void> {
    const dict = await this.open({ lastKnown, ...options })
    await dict.clear()
    await dict.update(entries)
    await dict.close()
  }

  fail(): void {
    this.#isDown = true
    for (const faulty of this.#faulty) faulty.failBefore([...OPENING, 'commit', 'subscribe'])
  }

  hang(): void {
    this.#isDown = true
    for (const faulty of this.#faulty) faulty.hang([...OPENING, 'commit', 'subscribe'])
  }

  heal(): void {
    this.#isDown = false
    for (const faulty of this.#faulty) faulty.heal()
  }
}

/** The warnings of the library until the test ends. */
export function warnings(): string[] {
  const messages: string[] = []
  const note = (warning: Error) => {
    if ((warning as { code?: string }).code === 'DURABLEDICT_LAST_KNOWN') messages.push(warning.message)
  }
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  return messages
}

/** What a file contains, as soon as it contains that key. */
export async function written(file: string, key: string): Promise<Record<string, unknown>> {
  let entries: Record<string, unknown> = {}
  const read = async () => {
    const text = await readFile(file, 'utf8').catch(() => '{"entries":[]}')
    entries = Object.fromEntries(JSON.parse(text).entries)
    return Object.hasOwn(entries, key)
  }
  await expect.poll(read).toBe(true)
  return entries
}
