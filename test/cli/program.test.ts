import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink, writeFile } from 'node:fs/promises'
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
