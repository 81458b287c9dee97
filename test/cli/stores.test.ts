import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DurableDict, openDict } from '../../src/index.js'
import { fastFolder } from '../servers/fast-folder.js'
import { postgres } from '../servers/postgres.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { zookeeper } from '../servers/zookeeper.js'
import { cli, type Surroundings } from './support.js'

describe.each([
  ['Redis', redis, '#settings'],
  ['PostgreSQL', postgres, '#settings'],
  ['ZooKeeper', zookeeper, '/settings'],
] as const)('the command line on %s', (_store, spec, rest) => {
  let server: Server
  let url: string
  let dict: DurableDict
  beforeAll(async () => {
    server = await startServer(spec)
    url = server.url + rest
    dict = await openDict(url, { live: true, service: 'web', maxStaleness: 60_000 })
  })
  afterAll(async () => {
    await dict.close()
    await server.stop()
  })
  const durabledict = (args: string[], more: Surroundings = {}) => cli(args, { env: { DURABLEDICT_URL: url }, ...more })

  it('changes a value everywhere, shows who has it, and undoes it', async () => {
    await dict.set('payments', 'on')
    const changed = await durabledict(['set', 'payments', 'off', '--string', '--everywhere', '-m', 'incident'])
    expect(changed).toMatchObject({ code: 0, stderr: expect.stringContaining('1 of 1 processes') })
    expect(dict.fresh.get('payments')).toBe('off')
    const [commit] = JSON.parse((await durabledict(['history', 'payments'])).stdout)
    expect(commit).toMatchObject({
      by: 'ada@desk',
      via: 'cli',
      reason: 'incident',
      changes: [{ before: 'on', after: 'off' }],
    })
    expect(JSON.parse((await durabledict(['replicas'])).stdout)).toMatchObject([{ service: 'web', state: 'current' }])
    const undo = JSON.parse(changed.stdout).undo.split(' ').slice(2)
    expect((await durabledict(undo)).code).toBe(0)
    await dict.sync()
    expect(dict.local.get('payments')).toBe('on')
  })

  it('copies all values without loss', async () => {
    await dict.update({ date: new Date(0), map: new Map([[1, 'a\u0000b']]), zero: -0 })
    const { stdout: document } = await durabledict(['export'])
    expect((await durabledict(['diff', '-'], { stdin: document })).code).toBe(0)
    expect(JSON.parse((await durabledict(['import'], { stdin: document })).stdout).changes).toEqual([])
  })

  it('says that a mistyped dictionary does not exist, and creates nothing', async () => {
    const mistyped = url.replace(/settings$/, 'setings')
    const env = { DURABLEDICT_URL: mistyped }
    const message = `ictionary ${server.url.startsWith('zookeeper') ? '"/setings"' : '"setings"'} does not exist`
    for (const args of [['ls'], ['get', 'a'], ['export'], ['history'], ['diff', '-'], ['ls']])
      expect(await cli(args, { env, stdin: '{}' })).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining(message),
      })
    const findings: { check: string }[] = JSON.parse((await cli(['doctor'], { env })).stdout)
    expect(findings.map(({ check }) => check)).toContain('tables')
    const { stderr } = await cli(['ls'], { env })
    expect(stderr).toContain(message)
    if (!server.url.startsWith('zookeeper')) expect(stderr).toContain('has "settings"')
  })

  it('says that a dictionary is new, once', async () => {
    const env = { DURABLEDICT_URL: url.replace(/settings$/, 'new') }
    expect((await cli(['set', 'a', '1'], { env })).stderr).toContain('new" is new')
    expect((await cli(['set', 'a', '2'], { env })).stderr).toBe('')
    expect(await cli(['ls'], { env })).toMatchObject({ code: 0, stderr: '' })
    expect((await durabledict(['set', 'other', '2'])).stderr).toBe('')
  })

  it('is found healthy by doctor', async () => {
    const findings: { check: string }[] = JSON.parse((await durabledict(['doctor'])).stdout)
    // The servers of the tests do without fsync.
    expect(findings.filter(({ check }) => check !== 'persistence')).toEqual([])
  })
})

describe('watch during a restart of Redis', () => {
  it('says so, and then shows what changed', async () => {
    const folder = await mkdtemp(join(fastFolder(), 'durabledict-cli-'))
    const first = await startServer(redis, { folder })
    if (first.port === undefined) return
    const url = `${first.url}#settings`
    const dict = await openDict(url)
    const ending = new AbortController()
    let output = ''
    const onOutput = (text: string) => {
      output += text
    }
    const watching = cli(['watch', '--url', url], { onOutput, signal: ending.signal })
    const shows = (text: string) => expect.poll(() => output).toContain(text)
    await expect
      .poll(async () => {
        if (output === '') await dict.set('before', Math.random())
        return output
      })
      .toContain('"before"')
    await first.stop()
    await shows('does not answer')
    const second = await startServer(redis, { folder, port: first.port })
    await shows('answers again')
    await dict.set('after', 1)
    await shows('"after"')
    ending.abort()
    expect((await watching).code).toBe(0)
    await dict.close()
    await second.stop()
    await rm(folder, { recursive: true, force: true })
  })
})
