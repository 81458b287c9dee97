import { execFile, spawnSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
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

it.skipIf(spawnSync('bash', ['--version']).error !== undefined)(
  'bash completes verbs, options, and keys without running what is in them',
  async () => {
    await using folder = await temporaryFolder()
    const { stdout: script } = await cli(['completion', 'bash'])
    await writeFile(join(folder.path, 'completion.sh'), script)
    const program = join(folder.path, 'durabledict')
    await writeFile(program, `#!/bin/sh\nprintf '%s\\n' 'pay now' 'pay$(touch ${folder.path}/ran)' other\n`)
    await chmod(program, 0o755)
    const complete = async (...words: string[]) => {
      const list = words.map(word => `'${word}'`).join(' ')
      const code = `source completion.sh; COMP_WORDS=(durabledict ${list}); COMP_CWORD=${words.length}; _durabledict; printf '%s\\n' "\${COMPREPLY[@]}"; test ! -e ran`
      const env = { ...process.env, PATH: `${folder.path}:${process.env.PATH}` }
      const { stdout } = await promisify(execFile)('bash', ['-c', code], { cwd: folder.path, env })
      return stdout.trim().split('\n')
    }
    expect(await complete('un')).toEqual(['unset'])
    expect(await complete('set', 'x', '--if-a')).toEqual(['--if-absent'])
    expect(await complete('get', 'pay')).toEqual(['pay\\ now', expect.stringMatching(/^pay\\\$\\\(touch/)])
  },
)
