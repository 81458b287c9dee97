import { clearTimeout, setImmediate, setTimeout } from '../../time/clock.js'
import type { Reader } from './reader.js'
import type { Session } from './session.js'

/** How often the server is asked, as a part of the session timeout. It has as long to answer. */
const PART = 1 / 3

/**
 * What comes meanwhile, at least, of a server that is at work on a long answer to something else, in bytes: more than answers
 * to pings of the client's own, which say nothing.
 */
const LITTLE = 1_000

/**
 * How soon the number of children is compared after one was created or deleted, in ms: the answers to own writes that have
 * done it have come by then, and many are compared at once.
 */
const SOON = 50

/** A question that has no answer yet. */
interface Ping {
  readonly connection: number
  /** How much had come of the server when it was asked, in bytes. */
  readonly received: number
}

/**
 * Asks the server for a sign of life at a third of the session timeout, and leaves it where none comes within another:
 * well before the session expires. By the same read znodes are noticed that external writers have put there, or taken away; and
 * sooner where it is told of children. Its timers do not hold the process.
 */
export class Watchdog {
  readonly #session: Session
  readonly #reader: Reader
  readonly #onFault: (cause: unknown) => void
  #ping: Ping | undefined
  #timer: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
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
    clearTimeout(this.#soon)
  }

  /** Children were created or deleted, by whomever. */
  hurry(): void {
    if (this.#stopped) return
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      if (this.#session.connected) this.#reader.compare(() => {}).catch(this.#onFault)
    }, SOON).unref()
  }

  #wait(): void {
    // What came in while this process was busy is read first.
    const look = () => setImmediate(() => setImmediate(() => this.#look()))
    this.#timer = setTimeout(look, this.#session.timeout * PART).unref()
  }

  #look(): void {
    if (this.#stopped) return
    const { connected, connection, received } = this.#session
    const isOpen = this.#ping?.connection === connection
    if (connected && isOpen && received - (this.#ping?.received ?? 0) < LITTLE) this.#session.drop()
    // Also where it is still at work: it, too, takes a silent client for gone.
    else if (connected) this.#ask()
    this.#wait()
  }

  #ask(): void {
    const { connection, received } = this.#session
    const ping = { connection, received }
    this.#ping = ping
    const answered = () => {
      if (this.#ping === ping) this.#ping = undefined
    }
    this.#reader.compare(answered).catch(this.#onFault)
  }
}
