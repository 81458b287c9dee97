// @ts-check
// Runs one server for as long as the process that forked it holds the channel to it. However that one ends, SIGKILL
// included, the server is ended by its process id, and its folder removed. It runs in a session of its own, so that
// Ctrl-C in a terminal does not reach it first.
/** @import { Orders } from './guarded.js' */
import { spawn, spawnSync } from 'node:child_process'
import { rm } from 'node:fs/promises'

const GRACE = 5_000

/** @type {Orders} */
const orders = JSON.parse(process.argv[2] ?? '')
const options = { cwd: orders.cwd, ...orders.owner }

/** @param {{ pid: number | undefined } | { ended: string }} message */
const tell = message => process.send?.(message, undefined, undefined, () => {})

/** Runs a command to its end. @param {string[] | undefined} command @param {object} [by] */
function finish(command, by = options) {
  if (command === undefined) return true
  const [program = '', ...args] = command
  const { status, error } = spawnSync(program, args, { ...by, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status === 0) return true
  tell({ ended: `${program}: ${error?.message ?? `exit status ${status}`}` })
  return false
}

/** Runs the server and returns a function that ends it. @param {string[]} command */
function start([program = '', ...args]) {
  const server = spawn(program, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] })
  const ended = new Promise(resolve => {
    server.once('error', error => resolve(error.message))
    server.once('exit', (code, signal) => resolve(signal ?? `exit status ${code}`))
  })
  server.once('spawn', () => tell({ pid: server.pid }))
  ended.then(why => tell({ ended: why }))
  return async () => {
    server.kill(orders.stopSignal)
    server.kill('SIGCONT')
    const impatience = setTimeout(() => server.kill('SIGKILL'), GRACE)
    await ended
    clearTimeout(impatience)
  }
}

const isReady = finish(orders.first, { cwd: orders.cwd }) && finish(orders.init)
const stop = isReady ? start(orders.command) : undefined

async function end() {
  await stop?.()
  finish(orders.afterwards)
  if (orders.folder !== undefined) await rm(orders.folder, { recursive: true, force: true })
  process.exit()
}

if (process.connected) process.once('disconnect', end)
else end()
