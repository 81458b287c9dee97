/** Lets callers through one at a time, in order; but none waits longer than its patience, so that nesting cannot lock. */
export class Lane {
  #last: Promise<void> = Promise.resolve()

  /** Waits for the turn. Call what it gives to let the next one through. */
  async enter(patience: number): Promise<() => void> {
    const before = this.#last
    let leave = () => {}
    this.#last = new Promise(resolve => {
      leave = resolve
    })
    await atMost(patience, before)
    return leave
  }
}

function atMost(ms: number, work: Promise<void>): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    void work.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
