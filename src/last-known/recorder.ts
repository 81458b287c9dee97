import { describeError } from '../errors/for-key.js'
import type { Memory } from '../replica/memory.js'
import { clearTimeout, now, setTimeout } from '../time/clock.js'
import { warn } from '../warnings/warnings.js'
import { Unusable } from './document.js'
import type { LastKnownSettings, Owner } from './settings.js'
import { removeAbandoned, replaceFile } from './write-file.js'

/** How long after a change the file is written, in ms. Further changes until then are written with it. */
const DEBOUNCE = 100

/** Writing takes at most one part in this many of the time. */
const SHARE = 10

/** How often the time in the file is renewed at least while memory is confirmed, in ms. */
const RENEW_EVERY = 600_000

/** How many times within `maxAge` the time in the file is renewed. */
const RENEWALS_PER_AGE = 4

/** The time in the file need not be more exact, in ms. */
const NEGLIGIBLE = 1_000

/** What is recorded. */
export interface Recorded {
  readonly memory: Memory
  /** When memory was last known to be current, on the monotonic clock. */
  readonly confirmedAt: number
}

/** Keeps the last known file up to date. Its timers do not keep the process alive. */
export class Recorder {
  readonly #settings: LastKnownSettings
  readonly #owner: Owner
  readonly #recorded: () => Recorded
  #timer: NodeJS.Timeout | undefined
  #renewal: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #isDirty = false
  #isFirst = true
  #hasWarned = false
  #closed = false
  /** Of what the file contains: when it was known to be current. */
  #writtenAsOf = Number.NEGATIVE_INFINITY
  /** Until when the next write waits. */
  #restUntil = 0

  /** @param recorded - what to write, at the time of the write. */
  constructor(settings: LastKnownSettings, owner: Owner, recorded: () => Recorded) {
    this.#settings = settings
    this.#owner = owner
    this.#recorded = recorded
    this.changed()
    this.#renewLater()
  }

  /** Memory has changed. */
  changed(): void {
    this.#isDirty = true
    if (this.#writing || this.#closed) return
    const wait = Math.max(DEBOUNCE, this.#restUntil - now())
    this.#timer ??= setTimeout(() => void this.#write(), wait).unref()
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#renewal)
    clearTimeout(this.#timer)
    await this.#writing
    if (this.#isDirty || this.#recorded().confirmedAt > this.#writtenAsOf + NEGLIGIBLE) await this.#write()
  }

  /** Without changes, memory is confirmed all the same: the file is then more recent than it says. */
  #renewLater(): void {
    const { maxAge = Number.POSITIVE_INFINITY } = this.#settings
    const every = Math.min(RENEW_EVERY, Math.max(maxAge / RENEWALS_PER_AGE, NEGLIGIBLE))
    this.#renewal = setTimeout(() => {
      if (this.#recorded().confirmedAt > this.#writtenAsOf) this.changed()
      this.#renewLater()
    }, every).unref()
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDirty = false
    this.#writing = this.#replace().finally(() => {
      this.#writing = undefined
      if (this.#isDirty) this.changed()
    })
    return this.#writing
  }

  async #replace(): Promise<void> {
    const startedAt = now()
    const { memory, confirmedAt } = this.#recorded()
    const { name, encodings } = this.#owner
    const at = Math.round(Date.now() - (startedAt - confirmedAt))
    try {
      if (this.#isFirst) await removeAbandoned(this.#settings.file)
      this.#isFirst = false
      await replaceFile(this.#settings.file, { name, encoding: encodings[0] as string, at, state: memory.freeze() })
      this.#writtenAsOf = confirmedAt
      this.#hasWarned = false
    } catch (error) {
      this.#warn(error)
    }
    this.#restUntil = now() + (now() - startedAt) * SHARE
  }

  /** Once, until a write succeeds: the same fault may occur with every change. */
  #warn(error: unknown): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    const reason = error instanceof Unusable ? error.message : describeError(error)
    const { file } = this.#settings
    warn(
      'DURABLEDICT_LAST_KNOWN',
      `Dictionary "${this.#owner.name}" cannot keep its last known state in ${file}. ${reason} Without it, the dictionary cannot be opened ` +
        'while its store is down.',
      { source: file },
    )
  }
}
