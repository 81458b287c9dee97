import { type FSWatcher, watch } from 'node:fs'
import type { Listener, Version } from '../../contract/backend.js'
import { clearTimeout, setTimeout } from '../../time/clock.js'
import { isLocked } from './faults.js'

/**
 * How often the store is polled, in ms: if its file is watched, in case a hint is lost; and if it cannot be watched.
 * A wake-up of the process costs much more than the query: polling every 20 ms takes more than 1 % of a core.
 */
const POLL_WATCHED = 100
const POLL_UNWATCHED = 30

/**
 * The waits before the next polls after the file was written, in ms. A write becomes visible only with the commit.
 * SQLite announces that in shared memory, which cannot be watched.
 */
const AFTER_HINT = [1, 1, 2, 4, 8]

/** The result of a poll. */
export interface Sight {
  readonly version: Version | undefined
  /** Changes if the store has moved to another file. */
  readonly connection: unknown
}

/** The source of a feed. */
export interface Probe {
  /** Returns the current version of the store. Throws if it is not available. */
  look(): Sight
  /** The file that is written before a commit. */
  watchable(): string | undefined
}

/** Notifies one listener of new versions. It polls the store regularly, and immediately when the file is written. */
export class Feed {
  readonly #probe: Probe
  readonly #listener: Listener<never>
  #seen: Sight
  #timer: NodeJS.Timeout | undefined
  #nextPoll: NodeJS.Timeout | undefined
  #watcher: FSWatcher | undefined
  #faulty = false

  /** Does not keep the process alive. Throws if the store is not available. */
  constructor(probe: Probe, listener: Listener<never>) {
    this.#probe = probe
    this.#listener = listener
    this.#seen = probe.look()
    this.#watch()
    this.#poll()
  }

  stop(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#nextPoll)
    this.#timer = undefined
    this.#unwatch()
  }

  /** Polls now, and notifies the listener if the version has changed. */
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
    const isNew = this.#faulty || !Object.is(version, sight.version)
    this.#seen = sight
    this.#faulty = false
    if (connection !== sight.connection) this.#watch()
    if (isNew) this.#listener.changed()
  }

  /** Reports a fault once, until it is over. */
  #report(error: unknown): void {
    const isNew = !this.#faulty
    this.#faulty = true
    if (isNew) this.#listener.interrupted(error)
  }

  #watch(): void {
    this.#unwatch()
    const file = this.#probe.watchable()
    if (file === undefined) return
    try {
      this.#watcher = watch(file, { persistent: false }, () => this.#hint())
      // If it cannot be watched (any more), polling is enough.
      this.#watcher.on('error', () => this.#unwatch())
    } catch {}
  }

  #unwatch(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #hint(): void {
    clearTimeout(this.#nextPoll)
    this.#askFrom(0)
  }

  #askFrom(step: number): void {
    const { version } = this.#seen
    this.ask()
    const delay = AFTER_HINT[step]
    const seen = !Object.is(version, this.#seen.version)
    if (seen || delay === undefined || !this.#timer) return
    this.#nextPoll = setTimeout(() => this.#askFrom(step + 1), delay).unref()
  }
}
