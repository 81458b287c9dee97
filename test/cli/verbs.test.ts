import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { useDictionaries } from './dictionaries.js'
import { cli } from './support.js'

const { fresh, pathOf } = useDictionaries()

const exotic = {
  date: new Date(0),
  map: new Map([['a', new Set([1n])]]),
  bytes: new Uint8Array([1, 2]),
  nan: Number.NaN,
  zero: -0,
  tagged: 'rich:x',
  stored: 'stored:x',
  bytesText: 'bytes:eA==',
  lines: 'a\nb\u001b',
  ['__proto__']: { ['__proto__']: 1 },
  '-x': null,
  '': undefined,
}
delete (exotic as Record<string, unknown>)['']

describe('A word that begins with a dash', () => {
  const noOption = (name: string) => expect.stringContaining(`There is no option ${name}. Write -- before words`)

  it('is refused at once, and hardly shown, however long it is', async () => {
    const { durabledict } = await fresh()
    for (const [word, name] of [
      [`- ${'item '.repeat(100_000)}`, '- '],
      [`--${'secret'.repeat(50)}`, `--${'secret'.repeat(50).slice(0, 38)}…`],
    ] as const) {
      const started = performance.now()
      expect(await durabledict(['set', 'k', word])).toMatchObject({ code: 2, stderr: noOption(name) })
      expect(performance.now() - started).toBeLessThan(10_000)
    }
    expect((await durabledict(['set', 'k', '1', `-${'n'.repeat(100_000)}`])).code).toBe(2)
  })

  it('is a group of short options with a text at its end', async () => {
    const { durabledict } = await fresh()
    const text = 'x'.repeat(200)
    expect((await durabledict(['set', 'k', '1', `-m${text}`])).code).toBe(0)
    expect((await durabledict(['history', '-ojson'])).stdout).toContain(text)
    expect((await durabledict(['set', 'k', '2', `-nym${text}`])).code).toBe(0)
    expect((await durabledict(['get', 'k'])).stdout).toBe('1\n')
  })
})

describe('export, import and diff', () => {
  it('restore every value in another dictionary', async () => {
    const from = await fresh()
    await from.dict.update(Object.entries(exotic))
    const to = await fresh({ kept: 1 })
    const { stdout: document } = await from.durabledict(['export'])
    expect((await to.durabledict(['import'], { stdin: document })).code).toBe(0)
    expect(new Map(await to.dict.entries())).toEqual(new Map([...Object.entries(exotic), ['kept', 1]]))
  })

  it('are identities', async () => {
    const { dict, durabledict } = await fresh()
    await dict.update(Object.entries(exotic))
    const { stdout: document } = await durabledict(['export'])
    expect(await durabledict(['diff', '-'], { stdin: document })).toMatchObject({ code: 0, stdout: '[]\n' })
    const { version } = dict
    const { stdout } = await durabledict(['import'], { stdin: document })
    expect(JSON.parse(stdout)).toEqual({ changes: [], dryRun: false })
    await dict.sync()
    expect(dict.version).toBe(version)
  })

  it('import in one commit, which the printed command undoes', async () => {
    const { dict, durabledict } = await fresh({ a: 1, b: 2 })
    await writeFile(pathOf('in.json'), '{"a": 5, "c": [1]}')
    const { stdout } = await durabledict(['import', 'in.json', '-m', 'May'])
    const [commit] = await dict.history().toArray()
    expect(commit).toMatchObject({ reason: 'May', via: 'cli', changes: [{ key: 'a' }, { key: 'c' }] })
    const undo = (JSON.parse(stdout).undo as string).split(' ').slice(2)
    expect((await durabledict(undo)).code).toBe(0)
    expect(await dict.entries()).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })

  it('import with --prune asks or needs --yes', async () => {
    const { dict, durabledict } = await fresh({ a: 1, b: 2 })
    expect((await durabledict(['import', '--prune'], { stdin: '{"a": 1}' })).code).toBe(2)
    expect(await dict.size()).toBe(2)
    expect((await durabledict(['import', '--prune', '--yes'], { stdin: '{"a": 1}' })).code).toBe(0)
    expect(await dict.keys()).toEqual(['a'])
  })

  it.each(['', '[1]', '{"a":', '5', 'rich:[1]', '{"a": "rich:["}', '{"": 1}'])(
    'import refuses %j and changes nothing',
    async stdin => {
      const { dict, durabledict } = await fresh({ a: 1 })
      expect((await durabledict(['import'], { stdin })).code).toBe(2)
      expect(await dict.entries()).toEqual([['a', 1]])
    },
  )

  it.each([
    ['{"a": 5, "b": 1, "\\u0061": 6}', 'key "a" twice'],
    ['{"b": {"list": [{"x": 1, "y": "\\"}", "x": 2}]}}', 'key "b" has "x" twice'],
    ['{"b": {"__proto__": 1, "__proto__": 2}}', 'key "b" has "__proto__" twice'],
  ])('import and diff refuse %s and say what occurs twice', async (stdin, message) => {
    const { dict, durabledict } = await fresh({ a: 1 })
    for (const args of [['import'], ['diff', '-']])
      expect(await durabledict(args, { stdin })).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
    expect(await dict.entries()).toEqual([['a', 1]])
  })

  it('import accepts one name in several objects, and brackets and quotes in texts', async () => {
    const { dict, durabledict } = await fresh()
    const document = {
      a: { a: [{ a: 1 }, { a: '{"a":1,"a":2}' }], b: '\\' },
      'b"': {},
      c: [],
      d: '"a":1',
      e: { a: {} },
    }
    expect((await durabledict(['import'], { stdin: JSON.stringify(document) })).code).toBe(0)
    expect(Object.fromEntries(await dict.entries())).toEqual(document)
  })

  it.each(['import', 'diff'])('%s refuses a file that is not UTF-8', async verb => {
    const { dict, durabledict } = await fresh({ a: 1 })
    await writeFile(pathOf('bytes.json'), Buffer.from('{"a":"\xff"}', 'latin1'))
    expect(await durabledict([verb, 'bytes.json'])).toMatchObject({ code: 2, stderr: expect.stringContaining('UTF-8') })
    expect(await dict.entries()).toEqual([['a', 1]])
  })

  it('diff exits with 1 and shows both sides', async () => {
    const [one, other] = [await fresh({ a: 1, b: 2, c: 3 }), await fresh({ a: 1, b: 5, d: 4 })]
    const { code, stdout } = await one.durabledict(['diff', other.url])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual([
      { key: 'b', here: 2, there: 5 },
      { key: 'c', here: 3 },
      { key: 'd', there: 4 },
    ])
    const table = await one.durabledict(['diff', other.url], { columns: 80 })
    expect(table.stdout.split('\n')[0]).toMatch(/^KEY +HERE +THERE$/)
  })
})

describe('history and revert', () => {
  it('show who changed what, newest first', async () => {
    const { dict, durabledict } = await fresh()
    await dict.set('a', 1, { by: 'ada', reason: 'first' })
    await durabledict(['set', 'a', '2'])
    const commits = JSON.parse((await durabledict(['history', 'a'])).stdout)
    expect(commits).toMatchObject([
      { by: 'ada@desk', via: 'cli', changes: [{ key: 'a', before: 1, after: 2 }] },
      { by: 'ada', reason: 'first', via: 'library', changes: [{ key: 'a', after: 1 }] },
    ])
    const lines = (await durabledict(['history', '-o', 'ndjson', '--limit', '1'])).stdout.trim().split('\n')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual(commits[0])
  })

  it('shows whole IDs on a terminal of any width', async () => {
    const { dict, durabledict } = await fresh({ a: 1 })
    const [commit] = await dict.history().toArray()
    for (const columns of [0, 30, 80]) {
      const { stdout } = await durabledict(['history'], { columns })
      expect(stdout).toContain(`${commit?.id} `)
    }
  })

  it('refuses to revert a commit that a later one changed, without --force', async () => {
    const { dict, durabledict } = await fresh({ a: 1 })
    await dict.set('a', 2)
    const [commit] = await dict.history().toArray()
    await dict.set('a', 3)
    const id = commit?.id ?? ''
    expect((await durabledict(['revert', id, '--yes'])).code).toBe(3)
    expect((await durabledict(['revert', id])).code).toBe(3)
    expect((await durabledict(['revert', id, '--force', '--dry-run'])).stdout).toContain('"before": 3, "after": 1')
    expect(await dict.get('a')).toBe(3)
    expect((await durabledict(['revert', id, '--force', '--yes'])).code).toBe(0)
    expect(await dict.get('a')).toBe(1)
  })

  it('reverts only the keys that --key names', async () => {
    const { dict, durabledict } = await fresh({ a: 1, b: 1 })
    await dict.update({ a: 2, b: 2 })
    const [commit] = await dict.history().toArray()
    await durabledict(['revert', commit?.id ?? '', '--key', 'a', '--yes'])
    expect(await dict.entries()).toEqual(
      expect.arrayContaining([
        ['a', 1],
        ['b', 2],
      ]),
    )
  })

  it('exits with 1 if there is no such commit', async () => {
    const { durabledict } = await fresh()
    expect((await durabledict(['revert', 'nothing', '--yes'])).code).toBe(1)
  })
})

describe('watch', () => {
  it('prints a line of JSON for each change until it is interrupted', async () => {
    const { dict, durabledict } = await fresh({ a: 1 })
    const ending = new AbortController()
    const seen: string[] = []
    const onOutput = (text: string) => {
      seen.push(text)
      if (!('after' in JSON.parse(text))) ending.abort()
    }
    const watching = durabledict(['watch'], { signal: ending.signal, onOutput })
    await until(async () => {
      if (seen.length === 0) await dict.set('a', Math.random(), { by: 'bob' })
      return seen.length > 0
    })
    await dict.delete('a')
    expect((await watching).code).toBe(0)
    expect(JSON.parse(seen[0] ?? '')).toMatchObject({ key: 'a', by: 'bob', via: 'library' })
    expect(JSON.parse(seen.at(-1) ?? '')).not.toHaveProperty('after')
  })

  it('runs a command for each change, one at a time and in order', async () => {
    const { dict, durabledict } = await fresh()
    const ending = new AbortController()
    const out = pathOf('ran.txt')
    const program = `const {readFileSync, appendFileSync} = require('node:fs')
      const {key, after} = JSON.parse(readFileSync(0, 'utf8'))
      appendFileSync(${JSON.stringify(out)}, [key, after, process.env.DURABLEDICT_KEY, process.env.DURABLEDICT_VALUE].join() + '\\n')`
    const watching = durabledict(['watch', '--', process.execPath, '-e', program], { signal: ending.signal })
    const lines = async () => (await readFile(out, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean)
    await until(async () => {
      await dict.set('start', Math.random())
      return (await lines()).length > 0
    })
    await dict.set('a', 1)
    await dict.set('b', 2)
    await dict.set('c', 3)
    await until(async () => (await lines()).at(-1) === 'c,3,c,3')
    ending.abort()
    await watching
    expect((await lines()).slice(-3)).toEqual(['a,1,a,1', 'b,2,b,2', 'c,3,c,3'])
  })
})

/** Waits for other processes, which no event announces. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  await expect.poll(condition, { interval: 20 }).toBe(true)
}

describe('replicas and check', () => {
  it('list the processes that have the dictionary open', async () => {
    const { durabledict } = await fresh()
    const [one] = JSON.parse((await durabledict(['replicas'])).stdout)
    expect(one).toMatchObject({ pid: process.pid, service: 'web', state: 'current', live: true })
  })

  it('check finds nothing without a schema', async () => {
    const { durabledict } = await fresh({ a: 1 })
    expect(await durabledict(['check'])).toMatchObject({ code: 0, stdout: '[]\n' })
  })
})

describe('a store that cannot be reached', () => {
  it.each([
    'redis://127.0.0.1:1#settings',
    'postgres://ada:s3cret@127.0.0.1:1/app#settings',
    'zookeeper://127.0.0.1:1/app',
  ])('makes %s exit with 4 within its time limit', async url => {
    const begun = performance.now()
    const { code, stderr } = await cli(['get', 'a', '--url', url, '--timeout', '300'])
    expect(code).toBe(4)
    expect(performance.now() - begun).toBeLessThan(20_000)
    expect(stderr).not.toContain('s3cret')
  })
})
