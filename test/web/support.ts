import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../src/conformance/faulty-backend.js'
import type { CommonOptions } from '../../src/dictionary/options.js'
import { DurableDict, MemoryDict, MemoryStore } from '../../src/index.js'

/** A dictionary whose store calls are counted and can fail, and another one, which is an external writer. */
export async function pair(options: CommonOptions = {}, name = 'settings') {
  const store = new MemoryStore()
  const writer = await MemoryDict.open(store)
  await writer.set('colour', 'red')
  const faulty = new FaultyBackend(new MemoryBackend(store, name))
  const dict: DurableDict = await DurableDict.open(faulty.backend, options)
  return { dict, writer, faulty }
}

/** A gate to wait at until it is opened. */
export class Barrier {
  #open: () => void = () => {}
  #arrive: () => void = () => {}
  /** A caller has arrived. */
  readonly arrived = new Promise<void>(resolve => {
    this.#arrive = resolve
  })
  readonly #opened = new Promise<void>(resolve => {
    this.#open = resolve
  })

  pass(): Promise<void> {
    this.#arrive()
    return this.#opened
  }

  open(): void {
    this.#open()
  }
}

export async function getJson(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init)
  return response.json()
}

/** The names of a dictionary's events, in order. */
export function heard(dict: DurableDict): { event: string; cause?: unknown }[] {
  const events: { event: string; cause?: unknown }[] = []
  dict.on('stale', ({ cause }) => events.push({ event: 'stale', cause }))
  dict.on('fresh', () => events.push({ event: 'fresh' }))
  return events
}
