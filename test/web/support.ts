import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../src/conformance/faulty-backend.js'
import type { CommonOptions } from '../../src/dictionary/options.js'
import { DurableDict, MemoryDict, MemoryStore } from '../../src/index.js'

/** A dictionary whose calls on its store are counted, and can be failed, and another one, which writes behind its back. */
export async function pair(options: CommonOptions = {}, name = 'settings') {
  const store = new MemoryStore()
  const writer = await MemoryDict.open(store)
  await writer.set('colour', 'red')
  const faulty = new FaultyBackend(new MemoryBackend(store, name))
  const dict: DurableDict = await DurableDict.open(faulty.backend, options)
  return { dict, writer, faulty }
}

/** A place to wait at, until it is opened. */
export class Barrier {
  #open: () => void = () => {}
  #arrive: () => void = () => {}
  /** Someone has come. */
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

/** The names of what happens to a dictionary, as it happens. */
export function heard(dict: DurableDict): { event: string; cause?: unknown }[] {
  const events: { event: string; cause?: unknown }[] = []
  dict.on('stale', ({ cause }) => events.push({ event: 'stale', cause }))
  dict.on('fresh', () => events.push({ event: 'fresh' }))
  return events
}
