import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { createClient } from 'redis'
import * as z from 'zod'
import { type ConsoleOptions, createConsole } from '../../src/console.js'
import { type DurableDict, MemoryDict, RedisDict, SqliteDict } from '../../src/index.js'
import { findChromium } from '../servers/chromium.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import { ADA } from './support.js'

export const MASKED = 'correct horse battery staple'

const schema = {
  payments: z.boolean(),
  level: z.enum(['low', 'middle', 'high']),
  perPage: z.number().int().min(1).max(100),
  limits: z.object({ perMinute: z.number().int().min(0), note: z.string().optional(), hosts: z.array(z.string()) }),
  note: z.string(),
  apiToken: z.string(),
  rules: z.unknown(),
}

const defaults = {
  payments: true,
  level: 'low',
  perPage: 20,
  limits: { perMinute: 10, hosts: [] },
  note: '',
  apiToken: `${MASKED}, by default`,
}

const OPTIONS = { schema, defaults, live: true, service: 'admin' } as object as { live: boolean }

/** One server with a console for each dictionary, a browser, and a second process that shares the dictionaries. */
export class Site {
  readonly dictionaries: Readonly<Record<'sqlite' | 'redis' | 'many', DurableDict>>
  /** What happens to the next requests: `refuse` answers none, `lose` carries out a change and loses the answer. */
  network: 'up' | 'refuse' | 'lose' = 'up'
  /** The changes that reached the server. */
  changes = 0
  /** How many streams of events are open. */
  streams = 0
  readonly #handlers: Readonly<
    Record<string, (request: object, response: object, next: (error?: unknown) => void) => void>
  >
  readonly #server = createServer((request, response) => this.#answer(request, response))
  readonly #browser: Browser
  readonly #send: (message: object) => Promise<void>
  readonly #closers: (() => unknown)[]

  private constructor(
    dictionaries: Site['dictionaries'],
    browser: Browser,
    send: (message: object) => Promise<void>,
    closers: (() => unknown)[],
  ) {
    this.dictionaries = dictionaries
    this.#browser = browser
    this.#send = send
    this.#closers = closers
    const consoleOf = (dict: Parameters<typeof createConsole>[0], options: Partial<ConsoleOptions> = {}) =>
      createConsole(dict, { authorize: () => ADA, mask: ['apiToken'], ...options }).express()
    this.#handlers = {
      sqlite: consoleOf(dictionaries.sqlite),
      redis: consoleOf(dictionaries.redis),
      many: consoleOf(dictionaries.many),
      read: consoleOf(dictionaries.sqlite, { readOnly: true }),
    }
  }

  static async open(): Promise<Site> {
    const executablePath = await findChromium()
    const folder = await mkdtemp(join(tmpdir(), 'durabledict-console-'))
    const [server, browser] = await Promise.all([
      startServer(redis),
      chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] }),
    ])
    const file = join(folder, 'app.db')
    const client = createClient({ url: server.url })
    await client.connect()
    const dictionaries = {
      sqlite: await SqliteDict.open('settings', file, OPTIONS),
      redis: await RedisDict.open('settings', client, OPTIONS),
      many: await MemoryDict.open(undefined, { live: true }),
    }
    const child = fork(fileURLToPath(new URL('other-process.js', import.meta.url)), [file, server.url])
    await once(child, 'message')
    const send = async (message: object) => {
      child.send(message)
      await once(child, 'message')
    }
    const site = new Site(dictionaries, browser, send, [
      () => browser.close(),
      () => child.disconnect(),
      () => once(child, 'exit'),
      ...Object.values(dictionaries).map(dict => () => dict.close()),
      () => client.close(),
      () => server.stop(),
      () => rm(folder, { recursive: true }),
    ])
    site.#server.listen(0, '127.0.0.1')
    await once(site.#server, 'listening')
    return site
  }

  /** Sets a value in the second process. */
  elsewhere(store: 'sqlite' | 'redis', key: string, value: unknown, by = 'bob'): Promise<void> {
    return this.#send({ store, key, value, by })
  }

  url(name: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ops/${name}/`
  }

  /** A page that collects what goes wrong in it. */
  async page(options: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; faults: string[] }> {
    const page = await this.#browser.newPage({ viewport: { width: 1100, height: 720 }, ...options })
    page.setDefaultTimeout(20_000)
    const faults: string[] = []
    page.on('pageerror', error => faults.push(error.message))
    page.on('dialog', dialog => {
      faults.push(dialog.message())
      void dialog.dismiss()
    })
    page.on('console', message => {
      if (/Content Security Policy|Trusted|violat/i.test(message.text())) faults.push(message.text())
    })
    page.on('request', request => {
      if (!request.url().startsWith(new URL(this.url('')).origin)) faults.push(request.url())
    })
    return { page, faults }
  }

  /** Ends all connections, and answers no request. */
  goDown(): void {
    this.network = 'refuse'
    this.#server.closeAllConnections()
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    for (const close of this.#closers) await close()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, , name = ''] = (request.url ?? '').split('/')
    if (this.network === 'refuse') return void request.socket.destroy()
    if (request.method === 'POST') this.changes += 1
    if (request.url?.endsWith('api/events')) {
      this.streams += 1
      response.on('close', () => {
        this.streams -= 1
      })
    }
    if (this.network === 'lose' && request.method === 'POST') {
      // The write is carried out, but its answer never leaves.
      response.writeHead = () => {
        this.goDown()
        return response
      }
    }
    this.#handlers[name]?.(request, response, error => {
      throw error
    })
  }
}
