import type { Reader } from './reader.js'
import type { Session } from './session.js'

/** Within which part of the session timeout a server must have answered. */
const PART = 1 / 3

/**
 * Asks the server for a sign of life at a third of the session timeout, and leaves it where none comes within another: well
 * before the session expires. By the same read znodes are noticed that strangers have put there. Its timer does not hold
 * the process.
 */
export class Watchdog {
  readonly #session: Session
  readonly #reader: Reader
  readonly #onFault: (cause: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined
  #stopped = false

  constructor(session: Session, reader: Reader, onFault: (cause: unknown) => void) {
    this.#session = session
    this.#reader = reader
    this.#onFault = onFault
    this.#wait()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    clearTimeout(this.#deadline)
  }

  #wait(): void {
    this.#timer = setTimeout(() => void this.#look(), this.#session.timeout * PART).unref()
  }

  async #look(): Promise<void> {
    if (this.#session.connected) {
      const heard = this.#expect()
      await this.#reader.compare(heard).catch(this.#onFault)
      heard()
    }
    if (!this.#stopped) this.#wait()
  }

  /** Gives what is to be called when the server has answered. */
  #expect(): () => void {
    let isHeard = false
    const { mark } = this.#session
    const late = () => {
      // What came in while this process was busy is read first.
      setImmediate(() => setImmediate(() => !isHeard && this.#session.mark === mark && this.#session.drop()))
    }
    const deadline = setTimeout(late, this.#session.timeout * PART).unref()
    this.#deadline = deadline
    return () => {
      isHeard = true
      clearTimeout(deadline)
    }
  }
}
