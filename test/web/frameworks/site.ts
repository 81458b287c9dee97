import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Dictionaries, FreshPerRequestOptions } from '../../../src/express.js'
import type { Snapshot } from '../../../src/index.js'

/** The `dicts` of a request. */
export type Dicts = Readonly<Record<string, Snapshot>>

/** The handler of a page: returns a value to send as JSON, or text to stream. */
export type Page = (dicts: Dicts, body: unknown) => unknown

/** The pages to serve, by whatever framework. */
export interface Site {
  readonly dictionaries: Dictionaries
  readonly options?: FreshPerRequestOptions
  /** By path; each is served by GET, and by POST with a JSON body. */
  readonly pages: Readonly<Record<string, Page>>
  /** The body of a response with 500 when a page throws. Without it, the framework's own error handling responds. */
  readonly onError?: (error: unknown) => unknown
  /** Called at each request before the dictionaries are confirmed. */
  readonly onArrival?: () => void
}

/** A site on a free port of 127.0.0.1. */
export interface Served {
  readonly url: string
  close(): Promise<void>
}

export interface Framework {
  readonly name: string
  serve(site: Site): Promise<Served>
}

/** Whether a page returned text to stream. */
export function isStream(result: unknown): result is AsyncIterable<string> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result
}

export function served(server: Server, close: () => unknown): Served {
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await close()
    },
  }
}
