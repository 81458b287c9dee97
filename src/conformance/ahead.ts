/** How many tests run at the same time. */
const AT_ONCE = 4

type Run = () => Promise<void>

/**
 * Tests that mostly wait. With each test that a runner starts, the next ones start too: they wait at the same time, although most runners run
 * one test after the other. Each test reports its own outcome.
 */
export class Ahead {
  readonly #runs: Run[] = []
  readonly #started = new Map<Run, Promise<void>>()

  /** Returns what the runner must call instead. */
  add(run: Run): Run {
    const index = this.#runs.push(run) - 1
    return () => {
      for (const next of this.#runs.slice(index, index + AT_ONCE)) this.#start(next)
      return this.#take(run)
    }
  }

  #start(run: Run): void {
    if (this.#started.has(run)) return
    const outcome = run()
    // Reported when the runner comes to this test.
    outcome.catch(() => {})
    this.#started.set(run, outcome)
  }

  /** A runner that repeats a test runs it again. */
  async #take(run: Run): Promise<void> {
    const outcome = this.#started.get(run)
    this.#started.delete(run)
    await outcome
  }
}
