import { describe, expect, it } from 'vitest'
import { useDictionaries } from './dictionaries.js'

const { fresh } = useDictionaries()

/** Runs the undo command that a result has, without a shell: these have plain words only. */
function undoOf(stdout: string): string[] {
  const words = (JSON.parse(stdout).undo as string).split(' ')
  expect(words.slice(0, 2)).toEqual(['npx', 'durabledict'])
  return words.slice(2)
}

/** Nobody types. */
async function* silent(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {})
  yield Buffer.from('')
}

describe('set', () => {
  it('shows the old and the new value as JSON, and a command that undoes it', async () => {
    const { dict, durabledict } = await fresh({ perPage: 20 })
    const { code, stdout } = await durabledict(['set', 'perPage', '30'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ changes: [{ key: 'perPage', before: 20, after: 30 }], dryRun: false })
    expect((await durabledict(undoOf(stdout))).code).toBe(0)
    expect(await dict.get('perPage')).toBe(20)
  })

  it('shows old → new on a terminal', async () => {
    const { durabledict } = await fresh({ perPage: 20 })
    const { stdout } = await durabledict(['set', 'perPage', '30'], { columns: 80 })
    expect(stdout).toMatch(/^"perPage": 20 → 30\nUndo: npx durabledict revert \S+ --yes\n$/)
  })

  it('records the author, the reason and the command line in the history', async () => {
    const { dict, durabledict } = await fresh()
    await durabledict(['set', 'a', '1', '-m', 'incident 4711'])
    await durabledict(['set', 'a', '2', '--by', 'bob'])
    const [second, first] = await dict.history().toArray()
    expect(first).toMatchObject({ by: 'ada@desk', reason: 'incident 4711', via: 'cli' })
    expect(second).toMatchObject({ by: 'bob', reason: undefined, via: 'cli' })
  })

  it.each([
    ['--by', 'x'.repeat(257)],
    ['--by', ''],
    ['--reason', 'x'.repeat(1_025)],
  ])('refuses %s that does not fit into the history', async (option, text) => {
    const { dict, durabledict } = await fresh({ a: 1 })
    expect((await durabledict(['set', 'a', '2', option, text])).code).toBe(2)
    expect(await dict.get('a')).toBe(1)
  })

  it('changes nothing with --dry-run', async () => {
    const { dict, durabledict } = await fresh({ a: 1 })
    const { stdout, code } = await durabledict(['set', 'a', '2', '--dry-run'])
    expect(JSON.parse(stdout)).toEqual({ changes: [{ key: 'a', before: 1, after: 2 }], dryRun: true })
    expect(code).toBe(0)
    expect(await dict.get('a')).toBe(1)
  })

  it.each([
    [['--if-value', '1'], 0],
    [['--if-value', '2'], 3],
    [['--if-value', '"1"'], 3],
    [['--if-absent'], 3],
  ])('exits as the condition %j says', async (condition, expected) => {
    const { dict, durabledict } = await fresh({ a: 1 })
    expect((await durabledict(['set', 'a', '5', ...condition])).code).toBe(expected)
    expect(await dict.get('a')).toBe(expected === 0 ? 5 : 1)
  })

  it('reads a value of a megabyte from the standard input', async () => {
    const { dict, durabledict } = await fresh()
    const long = 'x'.repeat(1_000_000)
    expect((await durabledict(['set', 'a', '--stdin', '--string'], { stdin: `${long}\n` })).code).toBe(0)
    expect(await dict.get('a')).toBe(long)
  })

  it('notes that the type changes', async () => {
    const { durabledict } = await fresh({ a: 'on' })
    expect((await durabledict(['set', 'a', 'true'])).stderr).toContain('of type string, and is now of type boolean')
  })
})

describe('unset', () => {
  it('refuses without a terminal and without --yes', async () => {
    const { dict, durabledict } = await fresh({ a: 1 })
    const { code, stderr } = await durabledict(['unset', 'a'])
    expect([code, await dict.get('a')]).toEqual([2, 1])
    expect(stderr).toContain('--yes')
  })

  it.each([
    ['y\n', 0],
    ['n\n', 2],
    ['\n', 2],
  ])('asks on a terminal: %j', async (stdin, expected) => {
    const { dict, durabledict } = await fresh({ a: 1 })
    const { code, stderr } = await durabledict(['unset', 'a'], { columns: 80, stdin })
    expect(stderr).toContain('Remove "a"')
    expect([code, await dict.has('a')]).toEqual([expected, expected !== 0])
  })

  it('ends at once by Ctrl-C at the question, and changes nothing', async () => {
    const { dict, durabledict } = await fresh({ a: 1 })
    const ending = new AbortController()
    const onOutput = () => ending.abort()
    const { code } = await durabledict(['unset', 'a'], {
      columns: 80,
      stdin: silent(),
      signal: ending.signal,
      onOutput,
    })
    expect([code, await dict.get('a')]).toEqual([130, 1])
  })

  it('is undone by the command that it prints', async () => {
    const { dict, durabledict } = await fresh({ a: new Date(0) })
    const { stdout } = await durabledict(['unset', 'a', '--yes'])
    expect(await dict.has('a')).toBe(false)
    await durabledict(undoOf(stdout))
    expect(await dict.get('a')).toEqual(new Date(0))
  })

  it('exits with 1 if the key is absent', async () => {
    const { durabledict } = await fresh()
    expect((await durabledict(['unset', 'a', '--yes'])).code).toBe(1)
  })
})

describe('get and ls', () => {
  it('print JSON, and for other values what "export" writes', async () => {
    const { durabledict } = await fresh({ b: { c: [1] }, a: new Date(0), 'rich:': 'rich:x' })
    expect((await durabledict(['get', 'b'])).stdout).toBe('{"c":[1]}\n')
    const [a, b, rich] = JSON.parse((await durabledict(['ls'])).stdout)
    expect(b).toEqual({ key: 'b', value: { c: [1] } })
    expect([a.key, rich.key]).toEqual(['a', 'rich:'])
    expect([a.value, rich.value]).toEqual([expect.stringMatching(/^rich:/), expect.stringMatching(/^rich:/)])
  })

  it('exit with 1 if the key is absent', async () => {
    const { durabledict } = await fresh()
    expect(await durabledict(['get', 'a'])).toMatchObject({ code: 1, stdout: '' })
  })

  it('list a table that fits the terminal', async () => {
    const { durabledict } = await fresh({ a: 'x'.repeat(200), 漢字: 1 })
    const { stdout } = await durabledict(['ls'], { columns: 40 })
    expect(stdout.split('\n')).toEqual(['KEY   VALUE', `a     "${'x'.repeat(32)}…`, '漢字  1', ''])
  })

  it('write assignments for a shell', async () => {
    const { durabledict } = await fresh({ 'a.b': "it's", c: 5, d: '\u001b[31m\n' })
    expect((await durabledict(['ls', '-o', 'env'])).stdout).toBe("a_b='it'\\''s'\nc=5\nd=$'\\033[31m\\012'\n")
  })

  it('never write control characters raw', async () => {
    const { durabledict } = await fresh({ '\u001b]0;x\u0007': '\u009b31m\u202e\r\n' })
    for (const columns of [undefined, 80]) {
      const { stdout } = await durabledict(['ls'], columns === undefined ? {} : { columns })
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    }
  })
})
