import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { findServer } from '../servers/find.js'
import { environment } from '../servers/orders.js'
import { redis } from '../servers/redis.js'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Starts an example and returns the first line that it prints. */
async function start(script: string, ...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const path = fileURLToPath(new URL(`../../examples/${script}`, import.meta.url))
  const flags = ['--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = await once(child.stdout, 'data')
  return { child, url: String(line).trim() }
}

test('examples/express: the next request of another process sees a setting written by the first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-example-'))
  try {
    const file = join(folder, 'shop.db')
    const [one, other] = [await start('express/server.js', '0', file), await start('express/server.js', '0', file)]
    const page = async (url: string) => (await fetch(url)).json()
    const put = (key: string, value: unknown) => {
      const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ value }) }
      return fetch(`${one.url}/admin/settings/${key}`, init)
    }
    expect(await page(other.url)).toEqual({ title: 'The shop', open: true, coffee: '3.60', tea: '2.40' })
    expect((await put('vat', 0.1)).status).toBe(204)
    expect((await put('title', 'The other shop')).status).toBe(204)
    const after = { title: 'The other shop', open: true, coffee: '3.30', tea: '2.20' }
    expect(await page(other.url)).toEqual(after)
    expect(await page(one.url)).toEqual(after)
    expect((await put('vat', 'much')).status).toBe(400)
    expect((await put('colour', 'red')).status).toBe(400)
    expect(await page(other.url)).toEqual(after)
    for (const { child } of [one, other]) {
      child.kill('SIGTERM')
      expect(await once(child, 'exit')).toEqual([0, null])
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('examples/openfeature: a request of another process evaluates the flags that the first one wrote', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-example-'))
  try {
    const file = join(folder, 'flags.db')
    const [one, other] = [
      await start('openfeature/server.js', '0', file),
      await start('openfeature/server.js', '0', file),
    ]
    const page = async (tenant: string) => (await fetch(`${other.url}/checkout?tenant=${tenant}`)).json()
    expect(await page('acme')).toMatchObject({ newCheckout: true, itemsPerPage: 20 })
    expect(await page('hooli')).toMatchObject({ newCheckout: false, itemsPerPage: 20 })
    const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ value: 50 }) }
    expect((await fetch(`${one.url}/admin/flags/items-per-page`, init)).status).toBe(204)
    expect(await page('acme')).toMatchObject({ newCheckout: true, itemsPerPage: 50 })
    expect(await (await fetch(`${other.url}/ready`)).json()).toMatchObject({ ready: true })
    for (const { child } of [one, other]) {
      child.kill('SIGTERM')
      expect(await once(child, 'exit')).toEqual([0, null])
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('examples/postgres: an edit with SQL is followed, and recorded with its author', async () => {
  const path = fileURLToPath(new URL('../../examples/postgres/edit-by-hand.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', path])
  expect(stdout.trim().split('\n')).toEqual([
    'theme is "dark", set by ada@example.com (library)',
    'theme is "blue", set by postgres (sql)',
    'history: postgres changed theme from dark to blue',
    'history: ada@example.com changed theme from undefined to dark',
  ])
})

test('examples/outage: the application starts without Redis and serves, and the alert clears when Redis returns', async context => {
  const found = await findServer({ ...redis, variable: 'DURABLEDICT_TEST_REDIS_NODE' })
  // The example starts and stops the program itself.
  if (found.source !== 'binary') return context.skip('Redis runs in a container here.')
  const path = fileURLToPath(new URL('../../examples/outage/run.js', import.meta.url))
  const env = { ...environment(found.prefix), REDIS_SERVER: found.binary }
  const { stdout } = await promisify(execFile)(process.execPath, [path], { env })
  expect(stdout.trim().split('\n')).toEqual([
    'Redis is up. The application serves "The shop" from store and is ok. Alerts: none.',
    'Redis is down, and the application has started again. The application serves "The shop" from last-known and is degraded. Alerts: SettingsStale.',
    'A write is answered with 503.',
    'Redis is up again. The application serves "The shop" from store and is ok. Alerts: none.',
    'A write is answered with 204.',
    'The end. The application serves "The other shop" from store and is ok. Alerts: none.',
  ])
})
