// @ts-check
// node examples/outage/run.js: starts Redis and the application, and shows an outage from its beginning to its end. It needs the program
// redis-server, on the path or named by the variable REDIS_SERVER.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isFiring } from './alert.js'

/** @import { ChildProcess } from 'node:child_process' */

/** How long anything here may take, in ms. */
const WITHIN = 30_000

const folder = await mkdtemp(join(tmpdir(), 'durabledict-outage-'))
const port = await freePort()
/** @type {Set<ChildProcess>} */
const children = new Set()

try {
  await show()
} finally {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
}

async function show() {
  let redis = await startRedis()
  let app = await startApp()
  await put(app.url, 'The shop')
  await report('Redis is up.', app.url, 'ok')

  await stop(redis)
  await stop(app.child)
  app = await startApp()
  await report('Redis is down, and the application has started again.', app.url, 'degraded')
  console.log(`A write is answered with ${await put(app.url, 'The other shop')}.`)

  redis = await startRedis()
  await report('Redis is up again.', app.url, 'ok')
  console.log(`A write is answered with ${await put(app.url, 'The other shop')}.`)
  await report('The end.', app.url, 'ok')
  await stop(app.child)
  await stop(redis)
}

/**
 * Reports as soon as health and alert agree.
 * @param {string} what @param {string} url @param {'ok' | 'degraded'} expected
 */
async function report(what, url, expected) {
  await until(async () => {
    const { status } = await read(`${url}/ready`)
    const isDown = expected === 'degraded'
    return status === expected && isFiring(await read(`${url}/metrics`)) === isDown
  })
  const { title, origin } = await read(url)
  const firing = expected === 'ok' ? 'none' : 'SettingsStale'
  console.log(`${what} The application serves "${title}" from ${origin} and is ${expected}. Alerts: ${firing}.`)
}

/** @param {string} url @returns {Promise<any>} */
async function read(url) {
  const response = await fetch(url)
  return response.headers.get('content-type')?.includes('json') ? response.json() : response.text()
}

/** Returns the status of the answer. @param {string} url @param {string} value */
async function put(url, value) {
  const headers = { 'content-type': 'application/json' }
  const { status } = await fetch(`${url}/admin/title`, { method: 'PUT', headers, body: JSON.stringify({ value }) })
  return status
}

async function startRedis() {
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes']
  const child = spawn(process.env.REDIS_SERVER ?? 'redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] })
  await printed(child, /Ready to accept connections/)
  return child
}

async function startApp() {
  const script = fileURLToPath(new URL('server.js', import.meta.url))
  const args = [script, `redis://127.0.0.1:${port}`, '0', join(folder, 'settings.last.json')]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return { child, url: await printed(child, /^http:/) }
}

/** Returns the first line that the process prints and that matches. @param {ChildProcess} child @param {RegExp} line */
async function printed(child, line) {
  children.add(child)
  const failed = once(child, 'exit').then(() => Promise.reject(new Error('A process ended too early.')))
  failed.catch(() => {})
  const lines = createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdout) })
  const found = (async () => {
    for await (const text of lines) if (line.test(text)) return text
    throw new Error(`A process did not print ${line}.`)
  })()
  const text = await Promise.race([found, failed])
  child.stdout?.resume()
  return text
}

/** @param {ChildProcess} child */
async function stop(child) {
  children.delete(child)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** @param {() => Promise<boolean>} holds */
async function until(holds) {
  const end = Date.now() + WITHIN
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Not within ${WITHIN / 1_000} s: ${holds}`)
    await delay(50)
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}
