import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { MemoryDict, SqliteDict } from '../../src/index.js'
import { mutate } from '../../torture/fuzz/mutate.js'
import { SECRET, spoil } from '../../torture/fuzz/spoil.js'
import { Random } from '../../torture/random.js'
import { cli, temporaryFolder } from '../cli/support.js'
import { opened } from '../console/support.js'
import { LONG } from '../form.js'
import { clientOf } from '../unit/flags/flags.js'

const bytesOf = (texts: readonly string[]) => texts.map(text => Buffer.from(text))

/** All of these report every fault themselves. */
const never = () => false

test('the console answers every mutated body, and refuses it without quoting it', async () => {
  const { client, dict } = await opened()
  await dict.set('k', 1)
  const [last] = await dict.history().toArray()
  const bodies = {
    'api/save': { key: 'k', text: `"${SECRET}"`, token: await client.token('k'), reason: SECRET, everywhere: false },
    'api/unset': { key: 'k', token: await client.token('k') },
    'api/revert': { id: last?.id, force: true },
  }
  for (const [path, body] of Object.entries(bodies)) {
    const parse = async (input: Buffer) => {
      const response = await client.post(path, input.toString('utf8'))
      const answer = await response.text()
      expect(response.status, answer).toBeLessThan(500)
      if (response.status >= 400) expect(JSON.parse(answer).message ?? answer).not.toContain(SECRET)
      else await dict.set('k', 1)
    }
    await spoil({ samples: bytesOf([JSON.stringify(body)]), parse, isOurs: never }, { runs: LONG ? 5_000 : 100 })
  }
  await dict.close()
})

test('the command line ends with one of its exit codes, whatever it gets', { timeout: 600_000 }, async () => {
  await using folder = await temporaryFolder()
  const url = `sqlite:${join(folder.path, 'app.db')}#settings`
  const dict = await SqliteDict.open('settings', join(folder.path, 'app.db'))
  await dict.update({ a: 1, b: { c: [SECRET] } })
  const { stdout: document } = await cli(['export', '--url', url], { folder: folder.path })
  const commands = [
    'import -',
    `set k "${SECRET}"`,
    'get a -o json',
    'history --key a --limit 2',
    'unset a --yes',
    'revert 1-x --force',
    'diff -',
    'ls --prefix a',
  ]
  const words = bytesOf(commands.map(command => command.split(' ').slice(1).join('\n')))
  const verbs = commands.map(command => command.split(' ')[0] as string)
  const random = new Random(`${Math.random()}`)
  const parse = async (stdin: Buffer) => {
    const verb = random.pick(verbs)
    const args = mutate(words, random).toString('utf8').split('\n')
    const given = verb === 'import' ? ['-', '--yes'] : args.filter(word => word !== '--')
    const { code, stderr } = await cli([verb, '--url', url, '--timeout', '2000', ...given], {
      folder: folder.path,
      stdin: stdin.toString('utf8'),
    })
    expect([0, 1, 2, 3, 4], stderr).toContain(code)
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+/m)
    if (verb === 'import' && code !== 0) expect(stderr).not.toContain(SECRET)
  }
  await spoil({ samples: bytesOf([document]), parse, isOurs: never }, { runs: LONG ? 3_000 : 40 })
  await dict.close()
})

const dict = await MemoryDict.open()
afterAll(() => dict.close())

test('a flag whose definition is damaged has the value of its default', async () => {
  const { client } = await clientOf(dict)
  const definition = {
    state: 'ENABLED',
    variants: { on: true, off: false },
    defaultVariant: 'off',
    targeting: {
      if: [
        { '==': [{ var: 'user' }, SECRET] },
        'on',
        {
          fractional: [
            ['on', 50],
            ['off', 50],
          ],
        },
      ],
    },
  }
  const parse = async (input: Buffer) => {
    let value: unknown
    try {
      value = JSON.parse(input.toString('utf8'))
    } catch {
      value = input.toString('utf8')
    }
    await dict.set('flag', value)
    const { value: seen, errorMessage } = await client.getBooleanDetails('flag', false, { user: 'ada' })
    expect(typeof seen).toBe('boolean')
    expect(errorMessage ?? '').not.toContain(SECRET)
  }
  await spoil(
    { samples: bytesOf([JSON.stringify(definition)]), parse, isOurs: error => error?.code === 'DURABLEDICT_ENCODING' },
    { runs: LONG ? 20_000 : 150 },
  )
})
