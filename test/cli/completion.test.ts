import { execFile, spawnSync } from 'node:child_process'
import { access, chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { VERBS } from '../../src/cli/verb-table.js'
import { SqliteDict } from '../../src/index.js'
import { cli, temporaryFolder } from './support.js'

it.each(['bash', 'zsh', 'fish'])('the script for %s names each verb and option', async shell => {
  const { stdout, code } = await cli(['completion', shell])
  expect(code).toBe(0)
  for (const { name, options } of VERBS) {
    expect(stdout).toContain(name)
    for (const option of Object.keys(options)) expect(stdout).toContain(option)
  }
})

it('refuses another shell', async () => {
  expect((await cli(['completion', 'constructor'])).code).toBe(2)
})

it('prints keys one a line, without those that would control a terminal', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'app.db')
  const dict = await SqliteDict.open('settings', file)
  await dict.update({ a: 1, 'b c': 2, 'd\n': 3, '\u001b[31m': 4 })
  await dict.close()
  const { stdout } = await cli(['completion', 'keys'], { env: { DURABLEDICT_URL: `sqlite:${file}#settings` } })
  expect(stdout.trim().split('\n').sort()).toEqual(['a', 'b c'])
})

/** A shell that has the script, and a command that prints keys, and its own arguments as one of them. */
async function shellWith(shell: 'bash' | 'fish') {
  const folder = await temporaryFolder()
  const { stdout: script } = await cli(['completion', shell])
  await writeFile(join(folder.path, 'script'), script)
  const keys = ['pay now', `pay$(touch ${folder.path}/ran)`, 'app:one', 'app:two', `it's "x"`, 'other']
  const list = keys.map(key => `'${key.replaceAll("'", `'\\''`)}'`).join(' ')
  await writeFile(join(folder.path, 'durabledict'), `#!/bin/sh\nprintf '%s\\n' ${list} "args $*"\n`)
  await chmod(join(folder.path, 'durabledict'), 0o755)
  const env = { ...process.env, PATH: `${folder.path}:${process.env.PATH}` }
  const run = async (code: string) => {
    const { stdout } = await promisify(execFile)(shell, ['-c', code], { cwd: folder.path, env })
    await expect(access(join(folder.path, 'ran'))).rejects.toThrow('ENOENT')
    return stdout.trim().split('\n')
  }
  return { run, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

const lacks = (shell: string) => spawnSync(shell, ['--version']).error !== undefined

describe.skipIf(lacks('bash'))('bash', () => {
  const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

  /** Completes the last of the words, which were split as readline splits them. @param line - as it was typed, if that is known. */
  async function complete(words: readonly string[], line = ''): Promise<string[]> {
    await using shell = await shellWith('bash')
    const state = `COMP_WORDS=(durabledict ${words.map(quoted).join(' ')}); COMP_CWORD=${words.length}; COMP_LINE=${quoted(line)}; COMP_POINT=${line.length}`
    return await shell.run(`source script; ${state}; _durabledict; printf '%s\\n' "\${COMPREPLY[@]}"`)
  }

  it('completes verbs and options', async () => {
    expect(await complete(['un'])).toEqual(['unset'])
    expect(await complete(['set', 'x', '--if-a'])).toEqual(['--if-absent'])
  })

  it('completes keys without running what is in them', async () => {
    expect(await complete(['get', 'pay'])).toEqual(['pay\\ now', expect.stringMatching(/^pay\\\$\\\(touch/)])
    expect(await complete(['get', 'ap'])).toEqual(['app:one', 'app:two'])
  })

  it('completes a key with a colon, at which readline splits words', async () => {
    expect(await complete(['get', 'app', ':', 'o'], 'durabledict get app:o')).toEqual(['one'])
    expect(await complete(['get', 'app', ':'], 'durabledict get app:')).toEqual(['one', 'two'])
    expect(await complete(['get', 'app', ':', 'o'])).toEqual(['one'])
  })

  it('completes a word in quotes, or with escapes', async () => {
    for (const [word, expected] of [
      ['"pay n', 'pay now'],
      ["'app:t", 'app:two'],
      ['"it', `it's \\"x\\"`],
      ['pay\\ n', 'pay\\ now'],
    ] as const)
      expect(await complete(['get', word], `durabledict get ${word}`)).toEqual([expected])
  })

  it('completes the keys of the dictionary that the line names', async () => {
    const url = ['redis', ':', '//h', ':', '1#s']
    expect(await complete(['get', '--url', ...url, 'args'], 'durabledict get --url redis://h:1#s args')).toEqual([
      'args\\ completion\\ keys\\ --url\\ redis://h:1#s',
    ])
    expect(
      await complete(
        ['ls', '--url', '=', "'redis://h:1#s'", '-d', 'x', 'args'],
        "durabledict ls --url='redis://h:1#s' -d x args",
      ),
    ).toEqual(['args\\ completion\\ keys\\ --url=redis://h:1#s\\ -d\\ x'])
  })

  it('completes no key in place of a value', async () => {
    for (const words of [
      ['set', 'a', 'app'],
      ['set', '--reason', 'app'],
      ['get', '--url', 'app'],
    ])
      expect(await complete(words, `durabledict ${words.join(' ')}`)).toEqual([''])
  })
})

it.skipIf(lacks('fish'))('fish completes the keys of the dictionary that the line names', async () => {
  await using shell = await shellWith('fish')
  const complete = (line: string) => shell.run(`source script; complete -C"${line}"`)
  expect(await complete("durabledict get --url 'redis://h:1#s' args")).toEqual([
    'args completion keys --url redis://h:1#s',
  ])
  expect(await complete('durabledict get --dict=x app:o')).toEqual(['app:one'])
})
