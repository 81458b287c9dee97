import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqliteDict } from '../../src/index.js'
import { temporaryFolder } from './support.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'lib/esm/cli.js')

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let url: string
beforeAll(async () => {
  folder = await temporaryFolder()
  await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'))
  url = `sqlite:${join(folder.path, 'app.db')}#settings`
  const dict = await SqliteDict.open('settings', join(folder.path, 'app.db'))
  await dict.update(Array.from({ length: 5_000 }, (_, index) => [`key ${index}`, 'x'.repeat(100)] as const))
  await dict.close()
})
afterAll(() => folder[Symbol.asyncDispose]())

const env = () => ({ ...process.env, DURABLEDICT_URL: url, NODE_OPTIONS: '' })

/** Accepts connections and says nothing, as a server that hangs. */
async function silentServer() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  server.on('connection', socket => sockets.add(socket.on('error', () => {})))
  return {
    port: (server.address() as AddressInfo).port,
    connected: once(server, 'connection'),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

describe('the program', () => {
  it('runs the command that undoes a change in a shell, whatever the key and value are', async () => {
    const dict = await SqliteDict.open('settings', join(folder.path, 'app.db'))
    const key = `-it's "$(x)" \`y\` \n\u001b é`
    await dict.set(key, `old '"$(x)\n\u0007`)
    await writeFile(join(folder.path, 'durabledict'), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, {
      mode: 0o755,
    })
    await writeFile(join(folder.path, 'npx'), `#!/bin/sh\nexec "$@"\n`, { mode: 0o755 })
    const options = { env: { ...env(), PATH: `${folder.path}:${process.env.PATH}` } }
    const args = [program, 'set', '--string', '--url', url, '--', key, '-new']
    const { stdout } = await promisify(execFile)(process.execPath, args, options)
    expect(await dict.get(key)).toBe('-new')
    await promisify(execFile)('sh', ['-c', JSON.parse(stdout).undo], options)
    expect(await dict.get(key)).toBe(`old '"$(x)\n\u0007`)
    await dict.close()
  })

  it('ends quietly when nobody reads its output', async () => {
    const child = spawn('sh', ['-c', `"${process.execPath}" "${program}" ls -o ndjson; echo "code $?" >&2`], {
      env: env(),
    })
    let stderr = ''
    child.stderr.on('data', data => {
      stderr += data
    })
    child.stdout.once('data', () => child.stdout.destroy())
    await once(child, 'close')
    expect(stderr).toBe('code 0\n')
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends by %s with %i while its store is silent', async (signal, expected) => {
    await using silent = await silentServer()
    const args = [program, 'set', 'a', '1', '--url', `redis://127.0.0.1:${silent.port}#settings`, '--timeout', '60000']
    const child = spawn(process.execPath, args, { env: env(), stdio: 'ignore' })
    await silent.connected
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([expected, null])
  })

  it('ends a watch with 0 on Ctrl-C', async () => {
    const child = spawn(process.execPath, [program, 'watch'], { env: env(), stdio: ['ignore', 'pipe', 'pipe'] })
    const dict = await SqliteDict.open('settings', join(folder.path, 'app.db'))
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', data => {
        output += data
      })
    await expect
      .poll(async () => {
        if (output === '') await dict.set('watched', Math.random())
        return output
      })
      .toContain('"watched"')
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([0, null])
    expect(output).not.toContain('Error')
    await dict.close()
  })
})
