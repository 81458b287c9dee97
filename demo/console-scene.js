// @ts-check
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { serveConsole } from '../dist/console/standalone.js'
import { SqliteDict } from '../dist/sqlite.js'

const READERS = ['web-1', 'web-2', 'worker']

const limits = z.object({
  perMinute: z.number().int().min(0).max(10_000),
  burst: z.number().int().min(0),
  hosts: z.array(z.string()),
})

export const schema = {
  payments: z.boolean(),
  theme: z.enum(['light', 'dark', 'system']),
  perPage: z.number().int().min(1).max(100),
  limits: limits.describe('How many requests a client may send.'),
  banner: z.string(),
  'checkout.provider': z.enum(['acme', 'globex']),
  'checkout.retries': z.number().int().min(0).max(10),
  'search.weights': z.record(z.string(), z.number()),
  apiToken: z.string(),
}

const defaults = {
  payments: true,
  theme: /** @type {const} */ ('light'),
  perPage: 20,
  limits: { perMinute: 100, burst: 20, hosts: [] },
  banner: '',
  'checkout.provider': /** @type {const} */ ('acme'),
  'checkout.retries': 3,
}

/** Opens the dictionary with a past, starts the readers, and serves the console. */
export async function openScene() {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-demo-'))
  const file = join(folder, 'app.db')
  const settings = await SqliteDict.open('settings', file, { schema, defaults, live: true, service: 'console' })
  await settings.set('limits', { perMinute: 100, burst: 20, hosts: ['eu-1'] }, { by: 'deploy', reason: 'release 42' })
  await settings.set('search.weights', { title: 3, body: 1 }, { by: 'grace@example.com' })
  await settings.set('apiToken', 'not shown to anybody', { by: 'deploy' })
  await settings.set('payments', false, { by: 'ada@example.com', reason: 'incident 4711' })
  await settings.set(
    'limits',
    { perMinute: 40, burst: 20, hosts: ['eu-1', 'us-1'] },
    { by: 'ada@example.com', reason: 'incident 4711' },
  )
  await settings.set('theme', 'dark', { by: 'bob@example.com' })
  const readers = READERS.map(service =>
    fork(fileURLToPath(new URL('console-reader.js', import.meta.url)), [file, service]),
  )
  await Promise.all(readers.map(reader => once(reader, 'message')))
  const served = await serveConsole(settings, { user: 'you@example.com', mask: ['apiToken'] })
  const close = async () => {
    await served.close()
    const ended = readers.map(reader => (reader.connected ? once(reader, 'exit') : undefined))
    for (const reader of readers) if (reader.connected) reader.disconnect()
    await Promise.all(ended)
    await settings.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { name: settings.name, file, url: served.url, settings, close }
}
