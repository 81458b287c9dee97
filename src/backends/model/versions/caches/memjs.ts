import type { VersionClient } from './outside-versions.js'

/** What is needed of a `Client` of memjs. */
export interface MemjsClient {
  readonly seq: number
  readonly servers: readonly unknown[]
  readonly options: object
  incrSeq(): void
  // biome-ignore lint/suspicious/noExplicitAny: the response is of a type of its own
  perform(key: string, request: Buffer, seq: number, callback: (error: Error | null, response: any) => void): void
}

/** What memjs makes of an answer of memcached's binary protocol. */
interface Response {
  readonly header: { readonly status: number }
  readonly val: Buffer
}

const GET = 0x00
const ADD = 0x02
const INCREMENT = 0x05

const OK = 0
const NOT_FOUND = 1
const EXISTS = 2

const HEADER_LENGTH = 24
const REQUEST = 0x80

/** No flags; never expires. */
const ADD_EXTRAS = Buffer.alloc(8)
/** By one; an expiry of all ones bids the server create nothing. */
const INCREMENT_EXTRAS = Buffer.from('0000000000000001' + '0000000000000000' + 'ffffffff', 'hex')

/**
 * By the client's `perform`, which sends a request of the binary protocol and gives the answer as it came. Its
 * `increment` would create a missing key at 0, and gives wrong numbers from 2^32 on; a `serializer` of the caller's
 * would leave something that cannot be counted up.
 */
export class MemjsVersions implements VersionClient {
  readonly label = 'memcached'
  readonly #client: MemjsClient

  /** @throws TypeError if it fails over to other servers. */
  constructor(client: MemjsClient) {
    this.#client = client
    if (client.servers.length > 1 && (client.options as { failover?: unknown }).failover) {
      throw new TypeError(
        'memcachedVersions() cannot use a client of memjs with failover: two processes could keep the version on two ' +
          'servers, and never hear of each other. Create it without `failover`, or with one server.',
      )
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    const { header, val } = await this.#perform(GET, key, NOTHING, NOTHING, NOT_FOUND)
    return header.status === OK ? val : undefined
  }

  async add(key: string, token: string): Promise<boolean> {
    const { header } = await this.#perform(ADD, key, ADD_EXTRAS, Buffer.from(token), EXISTS)
    return header.status === OK
  }

  async incr(key: string): Promise<bigint | undefined> {
    const { header, val } = await this.#perform(INCREMENT, key, INCREMENT_EXTRAS, NOTHING, NOT_FOUND)
    return header.status === OK ? val.readBigUInt64BE(0) : undefined
  }

  /** Rejects for every status but OK and `other`. */
  #perform(opcode: number, key: string, extras: Buffer, value: Buffer, other: number): Promise<Response> {
    const client = this.#client
    client.incrSeq()
    // The client counts beyond 2^31 with a sign, which its header cannot hold.
    const seq = client.seq >>> 0
    return new Promise((resolve, reject) => {
      client.perform(key, toRequest(opcode, key, extras, value, seq), seq, (error, response: Response) => {
        const fault = error ?? faultOf(response, other)
        if (fault) reject(fault)
        else resolve(response)
      })
    })
  }
}

const NOTHING = Buffer.alloc(0)

function toRequest(opcode: number, key: string, extras: Buffer, value: Buffer, seq: number): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH)
  header.writeUInt8(REQUEST, 0)
  header.writeUInt8(opcode, 1)
  header.writeUInt16BE(key.length, 2)
  header.writeUInt8(extras.length, 4)
  header.writeUInt32BE(extras.length + key.length + value.length, 8)
  header.writeUInt32BE(seq, 12)
  return Buffer.concat([header, extras, Buffer.from(key, 'latin1'), value])
}

function faultOf({ header, val }: Response, other: number): Error | undefined {
  if (header.status === OK || header.status === other) return undefined
  return new Error(`the server answered with status ${header.status} (${val.toString('latin1')})`)
}
