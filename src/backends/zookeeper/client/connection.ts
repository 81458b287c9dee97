import type { Socket } from 'node:net'
import { builtin } from '../../../process/builtin.js'
import { nextTick } from '../../../time/clock.js'
import { CODE, Refusal, type Reply, TooLarge } from '../transport.js'
import { Frames } from './frames.js'
import { Input } from './jute.js'
import { isAboutChildren, XID } from './packets.js'
import { Violation } from './violation.js'

/** The events of a connection. None of the listeners throws. */
export interface ConnectionEvents {
  /** It is open, and nothing was sent yet. */
  opened(): void
  /** The answer to the first record. */
  greeted(input: Input): void
  /** A watched znode has changed. */
  changed(): void
  /** Children of a watched znode were created or deleted. */
  childrenChanged(): void
  /** The transaction id of each valid answer, in order. */
  seen(zxid: bigint): void
  /** It is closed, and pending requests have failed. */
  closed(cause: Error): void
}

interface Pending {
  readonly xid: number
  answer(fault: Error | undefined, input: Input): void
}

/** One TCP connection to one server. Sends and receives records, and matches answers to requests in order. */
export class Connection {
  readonly #socket: Socket
  readonly #events: ConnectionEvents
  readonly #pending: Pending[] = []
  readonly #frames = new Frames(
    record => this.#read(new Input(record)),
    (header, length) => this.#readTooLong(new Input(header), length),
  )
  #xid = 0
  #greeted = false
  /** The number of pending answers to credentials. */
  #credentials = 0
  #fault: Error | undefined

  constructor(server: { host: string; port: number }, events: ConnectionEvents) {
    this.#events = events
    this.#socket = builtin.net.connect({ ...server, noDelay: true })
    this.#socket.on('connect', () => events.opened())
    this.#socket.on('data', data => this.#receive(data))
    this.#socket.on('error', error => {
      this.#fault ??= error
    })
    this.#socket.on('close', () => this.#closed())
  }

  /** The number of bytes received. */
  get received(): number {
    return this.#socket.bytesRead
  }

  /** Lets the process end while the connection is open. */
  unref(): void {
    this.#socket.unref()
  }

  /** Sends a record without a pending answer. */
  say(record: Buffer): void {
    this.#write(record)
  }

  /** Sends credentials. */
  authenticate(record: Buffer): void {
    this.#credentials += 1
    this.#write(record)
  }

  /** Sends a request, and parses its answer. */
  ask<V>(toRecord: (xid: number) => Buffer, read: (input: Input) => V, reply: Reply<V>): void {
    this.#xid = (this.#xid + 1) % 2 ** 31
    const xid = this.#xid
    this.#pending.push({
      xid,
      answer: (fault, input) => (fault ? reply(fault) : settle(reply, () => read(input))),
    })
    this.#write(toRecord(xid))
  }

  /** Sends all records of one tick in one system call. */
  #write(record: Buffer): void {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork()
      nextTick(() => this.#socket.uncork())
    }
    this.#socket.write(record)
  }

  destroy(cause: Error): void {
    this.#fault ??= cause
    this.#frames.stop()
    this.#socket.destroy()
  }

  #closed(): void {
    const cause = this.#fault ?? new Error('The server has closed the connection.')
    const lost = new Refusal(CODE.CONNECTION_LOSS, undefined, cause)
    for (const { answer } of this.#pending.splice(0)) answer(lost, new Input(Buffer.alloc(0)))
    this.#events.closed(cause)
  }

  #receive(data: Buffer): void {
    this.#orLeave(() => this.#frames.push(data))
  }

  #read(input: Input): void {
    this.#orLeave(() => {
      if (this.#greeted) this.#record(input)
      else this.#events.greeted(input)
      this.#greeted = true
    })
  }

  /** Fails only the request to which this is the answer. */
  #readTooLong(input: Input, length: number): void {
    this.#orLeave(() => {
      if (!this.#greeted) throw new RangeError('The greeting is too long.')
      const [xid] = [input.int(), input.long(), input.int()]
      this.#answer(xid, new TooLarge(length), input)
    })
  }

  /** Leaves a server that sends malformed data. */
  #orLeave(read: () => void): void {
    try {
      read()
    } catch (error) {
      const isUnread = error instanceof RangeError
      this.destroy(isUnread ? new Violation('it sent malformed data', { cause: error }) : (error as Error))
    }
  }

  #record(input: Input): void {
    const [xid, zxid, code] = [input.int(), input.long(), input.int()]
    if (xid === XID.event) this.#happened(input)
    else if (xid === XID.auth) this.#authenticated(code)
    else {
      this.#answer(xid, code === 0 ? undefined : new Refusal(code), input)
      if (zxid > 0n) this.#events.seen(zxid)
    }
  }

  #authenticated(code: number): void {
    if (this.#credentials === 0) throw new Violation('it sent an answer without a request')
    this.#credentials -= 1
    if (code !== 0) this.destroy(new Refusal(CODE.AUTH_FAILED))
  }

  #happened(event: Input): void {
    if (isAboutChildren(event)) this.#events.childrenChanged()
    else this.#events.changed()
  }

  #answer(xid: number, fault: Error | undefined, input: Input): void {
    const [pending] = this.#pending
    if (pending?.xid !== xid) throw new Violation('it answered out of order')
    pending.answer(fault, input)
    this.#pending.shift()
  }
}

/** Throws if the answer is malformed: it is then unknown what the server has done. */
function settle<V>(reply: Reply<V>, read: () => V): void {
  let value: V
  try {
    value = read()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    reply(error)
    return
  }
  reply(undefined, value)
}
