import type { Reader } from './reader.js'
import type { Session } from './session.js'

/** How often the server is asked, as a part of the session timeout. It has as long to answer. */
const PART = 1 / 3

/** A question that has no answer yet. */
interface Ping {
  readonly connection: number
  /** How much was heard of the server when it was asked, or when this was last looked at. */
  heard: number
}

/**
 * Asks the server for a sign of life at a third of the session timeout, and leaves it where nothing comes within another:
 * well before the session expires. By the same read znodes are noticed that strangers have put there. Its timer does not
 * hold the process.
 */
export class Watchdog {
  readonly #session: Session
  readonly #reader: Reader
  readonly #onFault: (cause: unknown) => void
  #ping: Ping | undefined
  #timer: NodeJS.Timeout | undefined
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
  }

  #wait(): void {
    // What came in while this process was busy is read first.
    const look = () => setImmediate(() => setImmediate(() => this.#look()))
    this.#timer = setTimeout(look, this.#session.timeout * PART).unref()
  }

  #look(): void {
    if (this.#stopped) return
    const { connected, connection, heard } = this.#session
    if (connected && this.#ping?.connection !== connection) this.#ask()
    else if (connected && this.#ping?.heard === heard) this.#session.drop()
    else if (this.#ping) this.#ping.heard = heard
    this.#wait()
  }

  #ask(): void {
    const { connection, heard } = this.#session
    const ping = { connection, heard }
    this.#ping = ping
    const answered = () => {
      if (this.#ping === ping) this.#ping = undefined
    }
    this.#reader.compare(answered).catch(this.#onFault)
  }
}
