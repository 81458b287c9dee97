import { pause } from '../time/pause.js'

/** The processes of a fleet compare one after the other, at random within this many ms: usually the first one announces what it finds. */
const JITTER = 100

/** The shortest time between two comparisons, in ms. */
const EVERY = 1_000

/** Compares memory with everything that is stored after edits behind the library's back: once for edits that come close together. */
export class EditComparisons {
  readonly #compare: () => Promise<unknown>
  #isAsked = false
  #isRunning = false
  #isStopped = false

  /** @param compare - does not reject. */
  constructor(compare: () => Promise<unknown>) {
    this.#compare = compare
  }

  ask(): void {
    this.#isAsked = true
    if (!this.#isRunning) void this.#run()
  }

  stop(): void {
    this.#isStopped = true
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#isAsked && !this.#isStopped) {
      await pause(Math.random() * JITTER)
      this.#isAsked = false
      if (!this.#isStopped) await this.#compare()
      if (this.#isAsked) await pause(EVERY)
    }
    this.#isRunning = false
  }
}
