// @ts-check
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from 'redis'
import { root, runOrThrow } from '../../../scripts/run.js'

/** @import { Case } from './case.js' */

const NEXT = 'node_modules/next/dist/bin/next'

/** Starts the built application on a free port. @param {string} folder @param {Record<string, string | undefined>} env */
async function start(folder, env) {
  const child = spawn(process.execPath, [NEXT, 'start', '--port', '0', '--hostname', '127.0.0.1'], { cwd: folder, env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output += text
      child.emit('output')
    })
  }
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  for (;;) {
    const [, url] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(output) ?? []
    if (url && output.includes('Ready')) return { url, stop }
    const first = await Promise.race([once(child, 'output').then(() => 'output'), ended])
    if (first !== 'output') throw new Error(`next start ended:\n${output}`)
  }
}

/** @param {string} url @param {string} what @param {(text: string, status: number) => boolean} holds */
async function eventually(url, what, holds) {
  const end = Date.now() + 20_000
  for (;;) {
    const response = await fetch(url)
    const text = await response.text()
    if (holds(text, response.status)) return
    if (Date.now() > end) throw new Error(`${what}: ${response.status} ${text.slice(0, 500)}`)
  }
}

/** @param {string} url @param {object} body */
async function put(url, body) {
  const { status } = await fetch(`${url}/api/settings`, { method: 'PUT', body: JSON.stringify(body) })
  if (status !== 204) throw new Error(`PUT /api/settings: ${status}`)
}

/** The number of connections that listen for changes: one for each live dictionary. @param {string | undefined} url */
async function listeners(url = '') {
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  const list = String(await client.sendCommand(['CLIENT', 'LIST']))
  await client.close()
  return list.split('\n').filter(line => /\b(s?sub)=[1-9]/.test(line)).length
}

/** @type {readonly Case[]} */
export const next = [
  {
    name: 'Next builds and runs examples/next, whose page, route and proxy share one dictionary',
    tools: ['drivers', 'next'],
    servers: ['redis'],
    whole: true,
    async run({ folder, env: given }) {
      /** @type {Record<string, string | undefined>} */
      const env = { ...given, NEXT_TELEMETRY_DISABLED: '1' }
      await cp(join(root, 'examples', 'next'), folder, { recursive: true })
      await runOrThrow(process.execPath, [NEXT, 'build'], { cwd: folder, env })
      const before = await listeners(env.REDIS_URL)
      const { url, stop } = await start(folder, env)
      try {
        await eventually(url, 'the page shows the default', text => text.includes('The shop'))
        await put(url, { title: 'The other shop' })
        await eventually(url, 'the page shows what the route wrote', text => text.includes('The other shop'))
        await put(url, { open: false })
        await eventually(url, 'the proxy sees what the route wrote', (_text, status) => status === 503)
        const opened = (await listeners(env.REDIS_URL)) - before
        if (opened !== 1) throw new Error(`${opened} dictionaries are open, not 1.`)
      } finally {
        await stop()
      }
    },
  },
]
