import { describe, expect, test } from 'vitest'
import { readPushed } from '../../src/backends/postgres/pushed.js'
import { UTF8 } from '../../src/backends/postgres/stored-form.js'
import { until } from '../model/test-database.js'
import { testServer } from './test-server.js'

const server = testServer()

/** Checks only when it is notified: the bound is long. */
const LIVE = { live: true, maxStaleness: 60_000 }

/** A dictionary that follows, with how many statements its pool has run, and one that writes. */
async function followed() {
  const { it } = server
  const name = it.name()
  const writer = await it.open(name)
  const pool = it.pool()
  const reader = await it.open(name, LIVE, pool)
  let statements = 0
  pool.on('acquire', () => {
    statements += 1
  })
  return { it, name, writer, reader, statements: () => statements }
}

describe('a notification', () => {
  test('has the change itself, so that who follows asks nothing', async () => {
    const { it, name, writer, reader, statements } = await followed()
    await writer.set('a', 1)
    await until(() => reader.local.get('a') === 1, 'it follows a set')
    await writer.update({ a: 2, b: 'x'.repeat(1_000) })
    await until(() => reader.local.get('a') === 2, 'it follows an update')
    await it.sql(`UPDATE durabledict_entries SET value = '3' WHERE dictionary = $1 AND key = 'a'`, [name])
    await until(() => reader.local.get('a') === 3, 'it follows an edit with SQL')
    expect(statements()).toBe(0)
  })

  test.each([
    ['too long', 'x'.repeat(10_000)],
    ['not ASCII', 'é 🌱'],
  ])('has no change that is %s: who follows asks for it', async (_, value) => {
    const { writer, reader, statements } = await followed()
    await writer.set('a', value)
    await until(() => reader.local.get('a') === value, 'it follows')
    expect(statements()).toBeGreaterThan(0)
  })

  test('of somebody who cannot read the head changes nothing', async () => {
    const { it, name, writer, reader } = await followed()
    const [head] = await it.sql<{ number: string; nonce: string }>(
      'SELECT number::text, nonce FROM durabledict_heads WHERE dictionary = $1',
      [name],
    )
    const forged = [
      [`${Number(head?.number) + 1}`, 'f'.repeat(24), head?.nonce, 'id', '[["set","a","\\"forged\\""]]', null],
    ]
    await it.sql(
      `SELECT pg_notify('durabledict_' || substr(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 1, 32), $2)`,
      [name, JSON.stringify(forged)],
    )
    await writer.set('b', 1)
    await until(() => reader.local.get('b') === 1, 'it follows')
    expect(reader.local.has('a')).toBe(false)
  })

  test('arrives as well after the dictionary was created again', async () => {
    const { it, name, reader, statements } = await followed()
    await it.sql('DELETE FROM durabledict_heads WHERE dictionary = $1', [name])
    const other = await it.open(name)
    await other.set('a', 1)
    await until(() => reader.local.get('a') === 1, 'it follows the new history')
    // It may still be asking for what it missed.
    await until(async () => {
      const before = statements()
      const value = Math.random()
      await other.set('a', value)
      await until(() => reader.local.get('a') === value, 'it follows')
      return statements() === before
    }, 'it is notified of changes again')
  })
})

describe('readPushed()', () => {
  const [nonce, previous] = ['b'.repeat(16), 'a'.repeat(16)]
  const read = (payload: unknown) =>
    readPushed(typeof payload === 'string' ? payload : JSON.stringify(payload), 'e'.repeat(16), UTF8.unsafe)
  const record = (...given: unknown[]) => [
    ['5', nonce, previous, 'id', '[["set","a","1"]]', null].map((one, n) => given[n] ?? one),
  ]

  test('reads one change', () => {
    expect(read(record())).toMatchObject({
      previous: `4-${'e'.repeat(16)}-${previous}`,
      version: `5-${'e'.repeat(16)}-${nonce}`,
      id: 'id',
      effects: [{ type: 'set', key: 'a', stored: '1' }],
    })
  })

  test.each<[string, unknown]>([
    ['nothing', ''],
    ['no JSON', '[['],
    ['no list', '{}'],
    ['an empty list', []],
    ['no record', [1]],
    ['two records', [...record(), ...record()]],
    ['no number', record('x')],
    ['a negative number', record('-1')],
    ['a nonce that is none', record('5', '-')],
    ['a nonce of another type', record('5', 1)],
    ['no previous nonce', record('5', nonce, '')],
    ['no id', record('5', nonce, previous, 7)],
    ['effects that are none', record('5', nonce, previous, 'id', '[["set","a"]]')],
    ['a key that is none', record('5', nonce, previous, 'id', '[["delete",""]]')],
    ['effects of which nothing is known', [[...(record()[0] ?? []).slice(0, 4), null, null]]],
  ])('reads no change of %s', (_, payload) => expect(read(payload)).toBeUndefined())
})
