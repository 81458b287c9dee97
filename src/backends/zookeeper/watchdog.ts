import { clearTimeout, setImmediate, setTimeout } from '../../time/clock.js'
import type { Reader } from './reader.js'
import type { Session } from './session.js'

/** The interval between pings, as a fraction of the session timeout. The server has as long to answer. */
const PART = 1 / 3

/**
 * The least that arrives, in bytes, from a server that is busy with a long answer. It exceeds the answers to the
 * client's own pings, which prove nothing.
 */
const LITTLE = 1_000

/**
 * The wait before the number of children is compared after a change of children, in ms. By then the answers to this
 * process's writes have arrived, and one comparison covers many changes.
 */
const SOON = 50

/** A ping without an answer yet. */
interface Ping {
  readonly connection: number
  /** The number of bytes received when it was sent. */
  readonly received: number
}

/**
 * Pings the server at a third of the session timeout, and leaves it if no answer arrives within another third: well
 * before the session expires. The same read reveals znodes that external writers have created or deleted. A change of
 * children triggers it earlier. The timers do not keep the process alive.
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

  /** Any client has created or deleted children. */
  hurry(): void {
    if (this.#stopped) return
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      if (this.#session.connected) this.#reader.compare(() => {}).catch(this.#onFault)
    }, SOON).unref()
  }

  #wait(): void {
    // Data that arrived while this process was busy is read first.
    const look = () => setImmediate(() => setImmediate(() => this.#look()))
    this.#timer = setTimeout(look, this.#session.timeout * PART).unref()
  }

  #look(): void {
    if (this.#stopped) return
    const { connected, connection, received } = this.#session
    const isOpen = this.#ping?.connection === connection
    if (connected && isOpen && received - (this.#ping?.received ?? 0) < LITTLE) this.#session.drop()
    // Even if the server is still busy: it, too, treats a silent client as gone.
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
