import { connect, type Socket } from 'node:net'
import { nextTick } from '../../../time/clock.js'
import { CODE, Refusal, type Reply } from '../transport.js'
import { Input } from './jute.js'
import { readsOfChildren, XID } from './packets.js'

/** What a connection tells of. None of these throws. */
export interface ConnectionEvents {
  /** It is there, and nothing was said yet. */
  opened(): void
  /** The answer to the very first record. */
  greeted(input: Input): void
  /** A watched znode has changed. */
  changed(): void
  /** Children of a watched znode were created or deleted. */
  childrenChanged(): void
  /** Every answer's transaction, in order. */
  seen(zxid: bigint): void
  /** It is gone. What was under way has failed. */
  closed(cause: Error): void
}

interface Pending {
  readonly xid: number
  answer(fault: Error | undefined, input: Input): void
}

/** What a record may take: far more than any that a server sends. Beyond it is no ZooKeeper. */
const LARGEST = 256 * 2 ** 20

/** One TCP connection to one server: records in and out, answers in the order of their requests. */
export class Connection {
  readonly #socket: Socket
  readonly #events: ConnectionEvents
  readonly #underWay: Pending[] = []
  #xid = 0
  #greeted = false
  #rest: Buffer[] = []
  #received = 0
  /** How many bytes the record that is being received takes, with its length. */
  #wanted = 4
  #fault: Error | undefined

  constructor(server: { host: string; port: number }, events: ConnectionEvents) {
    this.#events = events
    this.#socket = connect({ ...server, noDelay: true })
    this.#socket.on('connect', () => events.opened())
    this.#socket.on('data', data => this.#receive(data))
    this.#socket.on('error', error => {
      this.#fault ??= error
    })
    this.#socket.on('close', () => this.#closed())
  }

  /** How many bytes have come. */
  get received(): number {
    return this.#socket.bytesRead
  }

  /** Sends what has no answer that anyone waits for. */
  say(record: Buffer): void {
    this.#write(record)
  }

  /** Sends a request, and reads its answer. */
  ask<V>(toRecord: (xid: number) => Buffer, read: (input: Input) => V, reply: Reply<V>): void {
    this.#xid = (this.#xid + 1) % 2 ** 31
    const xid = this.#xid
    this.#underWay.push({
      xid,
      answer: (fault, input) => (fault ? reply(fault) : settle(reply, () => read(input))),
    })
    this.#write(toRecord(xid))
  }

  /** What is sent in one tick goes by one call of the system. */
  #write(record: Buffer): void {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork()
      nextTick(() => this.#socket.uncork())
    }
    this.#socket.write(record)
  }

  destroy(cause: Error): void {
    this.#fault ??= cause
    this.#socket.destroy()
  }

  #closed(): void {
    const cause = this.#fault ?? new Error('The server has closed the connection.')
    const lost = new Refusal(CODE.CONNECTION_LOSS, undefined, cause)
    for (const { answer } of this.#underWay.splice(0)) answer(lost, new Input(Buffer.alloc(0)))
    this.#events.closed(cause)
  }

  /** Puts together what comes in pieces, without copying it at each piece. */
  #receive(data: Buffer): void {
    this.#rest.push(data)
    this.#received += data.length
    while (this.#received >= this.#wanted && !this.#socket.destroyed) {
      const all = this.#rest.length === 1 ? (this.#rest[0] as Buffer) : Buffer.concat(this.#rest)
      this.#rest = [all]
      this.#wanted = 4 + all.readInt32BE(0)
      if (this.#wanted < 4 || this.#wanted > LARGEST) this.destroy(new Error('This is no ZooKeeper server.'))
      if (this.#socket.destroyed || this.#received < this.#wanted) return
      const record = all.subarray(4, this.#wanted)
      this.#rest = [all.subarray(this.#wanted)]
      this.#received -= this.#wanted
      this.#wanted = 4
      this.#read(new Input(record))
    }
  }

  #read(input: Input): void {
    try {
      if (this.#greeted) this.#record(input)
      else this.#events.greeted(input)
      this.#greeted = true
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  #record(input: Input): void {
    const [xid, zxid, code] = [input.int(), input.long(), input.int()]
    if (zxid > 0n) this.#events.seen(zxid)
    if (xid === XID.event) this.#happened(input)
    else if (xid !== XID.auth) this.#answer(xid, code, input)
    else if (code !== 0) this.destroy(new Refusal(CODE.AUTH_FAILED))
  }

  #happened(event: Input): void {
    if (readsOfChildren(event)) this.#events.childrenChanged()
    else this.#events.changed()
  }

  #answer(xid: number, code: number, input: Input): void {
    const [pending] = this.#underWay
    if (pending?.xid !== xid) throw new Error('The server has answered out of turn.')
    pending.answer(code === 0 ? undefined : new Refusal(code), input)
    this.#underWay.shift()
  }
}

/** What cannot be read is thrown: no one knows then what the server has done. */
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
