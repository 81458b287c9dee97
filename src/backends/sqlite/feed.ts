import { type FSWatcher, watch } from 'node:fs'
import type { Listener, Version } from '../../contract/backend.js'
import { clearTimeout, setTimeout } from '../../time/clock.js'
import { isLocked } from './faults.js'

/**
 * How often the store is asked, in ms: where its file can be watched, lest a hint was lost; and where it cannot. A waking
 * process costs much more than the question: asking every 20 ms takes over 1 % of a core.
 */
const POLL_WATCHED = 100
const POLL_UNWATCHED = 30

/**
 * When to ask again after the file was written, in ms after the time before: what is written becomes visible only with
 * the commit, which SQLite announces in shared memory, where it cannot be watched.
 */
const AFTER_HINT = [1, 1, 2, 4, 8]

/** What a feed sees when it asks. */
export interface Sight {
  readonly version: Version | undefined
  /** Another one where the store has moved to another file. */
  readonly connection: unknown
}

/** What a feed asks. */
export interface Probe {
  /** The store's version now. Throws where it cannot be had. */
  look(): Sight
  /** The file whose writing announces a commit. */
  watchable(): string | undefined
}

/** Tells one listener of new versions. It asks often, and at once when the file is written. */
export class Feed {
  readonly #probe: Probe
  readonly #listener: Listener<never>
  #seen: Sight
  #timer: NodeJS.Timeout | undefined
  #again: NodeJS.Timeout | undefined
  #watcher: FSWatcher | undefined
  #faulty = false

  /** Nothing of it holds the process open. Throws where the store cannot be asked. */
  constructor(probe: Probe, listener: Listener<never>) {
    this.#probe = probe
    this.#listener = listener
    this.#seen = probe.look()
    this.#watch()
    this.#poll()
  }

  stop(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#again)
    this.#timer = undefined
    this.#unwatch()
  }

  /** Asks for the version now, and tells the listener where it is another. */
  ask(): void {
    if (!this.#timer) return
    try {
      this.#compare(this.#probe.look())
    } catch (error) {
      if (!isLocked(error)) this.#report(error)
    }
  }

  #poll(): void {
    const delay = this.#watcher ? POLL_WATCHED : POLL_UNWATCHED
    this.#timer = setTimeout(() => {
      this.ask()
      if (this.#timer) this.#poll()
    }, delay).unref()
  }

  #compare(sight: Sight): void {
    const { version, connection } = this.#seen
    const news = this.#faulty || !Object.is(version, sight.version)
    this.#seen = sight
    this.#faulty = false
    if (connection !== sight.connection) this.#watch()
    if (news) this.#listener.changed()
  }

  /** Once, until it is over. */
  #report(error: unknown): void {
    const news = !this.#faulty
    this.#faulty = true
    if (news) this.#listener.interrupted(error)
  }

  #watch(): void {
    this.#unwatch()
    const file = this.#probe.watchable()
    if (file === undefined) return
    try {
      this.#watcher = watch(file, { persistent: false }, () => this.#hint())
      // Where it cannot be watched (any more), asking every now and then must do.
      this.#watcher.on('error', () => this.#unwatch())
    } catch {}
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #hint(): void {
    clearTimeout(this.#again)
    this.#askFrom(0)
  }

  #askFrom(step: number): void {
    const { version } = this.#seen
    this.ask()
    const delay = AFTER_HINT[step]
    const seen = !Object.is(version, this.#seen.version)
    if (seen || delay === undefined || !this.#timer) return
    this.#again = setTimeout(() => this.#askFrom(step + 1), delay).unref()
  }
}
