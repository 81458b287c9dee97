import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { Access } from '../../src/console/access.js'
import { Desk } from '../../src/console/desk.js'
import { Events } from '../../src/console/events.js'
import { JsonSchemas } from '../../src/console/json-schemas.js'
import { Operator } from '../../src/console/operator.js'
import { RecentChanges } from '../../src/console/recent.js'
import { createConsole } from '../../src/console.js'
import { DurableDict, MemoryDict, MemoryStore, NoOpEncoding, StoreUnavailableError } from '../../src/index.js'
import { ADA, Client, errorOf, linesOf, opened, readEvents } from './support.js'

const SECRET = 'correct horse battery staple'

test('lists what is stored and what is declared, with previews and marks', async () => {
  const schema = { theme: z.string(), limit: z.number(), list: z.array(z.number()), plain: z.unknown() }
  const { client, dict, store } = await opened({}, { schema, defaults: { theme: 'light', limit: 5 } })
  await dict.set('theme', 'dark', { by: 'bob' })
  const raw = await MemoryDict.open<Record<string, unknown>>(store)
  await raw.set('limit', 'many')
  await raw.set('other', { a: [1, { b: new Date(0) }], c: 'x'.repeat(500) })
  const { items, reachable } = await client.json('api/keys')
  const changed = { at: expect.any(Number) }
  expect(reachable).toBe(true)
  expect(items).toEqual([
    {
      key: 'limit',
      stored: true,
      declared: true,
      writable: true,
      preview: '"many"',
      unfit: true,
      differs: true,
      changed,
    },
    { key: 'list', stored: false, declared: true, writable: true },
    {
      key: 'other',
      stored: true,
      declared: false,
      writable: true,
      preview: expect.stringMatching(/^\{a: \[1, .*…$/),
      unfit: true,
      changed,
    },
    { key: 'plain', stored: false, declared: true, writable: true },
    {
      key: 'theme',
      stored: true,
      declared: true,
      writable: true,
      preview: '"dark"',
      differs: true,
      changed: { ...changed, by: 'bob' },
    },
  ])
})

test.each([
  ['{"a": 1, "\\u0061": 2}', '"a"'],
  ['[{"a": {"b": 1, "b": 1}}]', '"b"'],
])('refuses %s and says what occurs twice', async (text, name) => {
  const { client, dict } = await opened()
  const refused = await client.save('theme', text)
  expect(await errorOf(refused)).toMatchObject({ code: 'NOT_JSON', message: expect.stringContaining(`${name} twice`) })
  expect(await dict.has('theme')).toBe(false)
})

test('lists 10,000 keys', async () => {
  const { client, dict } = await opened()
  await dict.update(Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key ${index}`, { index }])))
  expect((await client.json('api/keys')).items).toHaveLength(10_000)
  expect((await client.json('api/history')).commits[0]).toMatchObject({ more: 9_950, changes: { length: 50 } })
})

test('saves with the user as by, the reason, and via console', async () => {
  const { client, dict } = await opened({}, { by: 'service' })
  const response = await client.save('theme', '{"a": 1}', { reason: 'incident 4711' })
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({
    key: 'theme',
    text: '{"a":1}',
    token: expect.stringMatching(/^sha256 /),
  })
  const [commit] = await dict.history().toArray()
  expect(commit).toMatchObject({ by: 'ada@example.com', reason: 'incident 4711', via: 'console' })
})

test('a save over another value than the one shown answers with both, and writes nothing', async () => {
  const { client, dict } = await opened()
  await dict.set('theme', 'light')
  const token = await client.token('theme')
  await dict.set('theme', 'dark')
  for (const [path, more] of [
    ['api/save', { text: '"mine"' }],
    ['api/unset', {}],
  ] as const) {
    const response = await client.post(path, { key: 'theme', token, ...more })
    expect(response.status).toBe(409)
    expect(await errorOf(response)).toMatchObject({ code: 'CONFLICT', current: { text: '"dark"' } })
  }
  expect(await dict.get('theme')).toBe('dark')
  expect((await client.save('theme', '"mine"')).status).toBe(200)
})

test('a conflict names the author of the latest change', async () => {
  const { client, dict, store } = await opened()
  await dict.set('theme', 'light', { by: 'ada' })
  const token = await client.token('theme')
  const other = await MemoryDict.open<Record<string, unknown>>(store)
  await other.set('theme', 'dark', { by: 'bob' })
  const conflict = await client.post('api/save', { key: 'theme', token, text: '1' })
  expect((await errorOf(conflict)).current.changed.by).toBe('bob')
})

test('a save over a key that was removed or created meanwhile is a conflict', async () => {
  const { client, dict } = await opened()
  const absent = await client.token('theme')
  await dict.set('theme', 'dark')
  const stored = await client.token('theme')
  expect((await client.post('api/save', { key: 'theme', token: absent, text: '1' })).status).toBe(409)
  await dict.delete('theme')
  expect((await client.post('api/save', { key: 'theme', token: stored, text: '1' })).status).toBe(409)
  expect(await dict.has('theme')).toBe(false)
})

test('exactly one of many saves over the same value is carried out', async () => {
  const { client, dict } = await opened()
  const token = await client.token('count')
  const saves = Array.from({ length: 20 }, (_, text) =>
    client.post('api/save', { key: 'count', token, text: `${text}` }),
  )
  const statuses = (await Promise.all(saves)).map(({ status }) => status)
  expect(statuses.filter(status => status === 200)).toHaveLength(1)
  expect(await dict.history().toArray()).toHaveLength(1)
})

test('carries out a request that arrives twice only once', async () => {
  const { client, dict } = await opened()
  const body = { key: 'theme', text: '"dark"', token: 'absent', request: '1' }
  const [first, second] = await Promise.all([client.post('api/save', body), client.post('api/save', body)])
  expect([first.status, second.status]).toEqual([200, 200])
  await dict.delete('theme')
  expect((await client.post('api/save', body)).status).toBe(200)
  expect(await dict.has('theme')).toBe(false)
})

test('resets to the default, and removes a key without one', async () => {
  const { client, dict } = await opened({}, { defaults: { theme: 'light' } })
  await dict.update({ theme: 'dark', other: 1 })
  expect(await client.json('api/key?key=theme')).toMatchObject({ default: '"light"', differs: true })
  for (const key of ['theme', 'other']) {
    expect((await client.post('api/unset', { key, token: await client.token(key) })).status).toBe(200)
  }
  expect(await dict.get('theme')).toBe('light')
  expect(await dict.size()).toBe(0)
})

test('refuses a value that is not JSON, does not fit the schema, or has a key that the schema does not name', async () => {
  const { client, dict } = await opened({}, { schema: { limits: z.object({ perMinute: z.number().max(10) }) } })
  for (const text of ['', '{', "'a'", 'off', '007', 'undefined', 'rich:', 'rich:[']) {
    expect([text, (await client.save('limits', text)).status]).toEqual([text, 422])
  }
  const response = await client.save('limits', '{"perMinute": 11}')
  expect(response.status).toBe(422)
  expect((await errorOf(response)).issues).toEqual([{ path: ['perMinute'], message: expect.any(String) }])
  expect((await client.save('other', '1')).status).toBe(400)
  expect((await client.get('api/key?key=')).status).toBe(400)
  expect(await dict.size()).toBe(0)
})

test('shows and saves values that JSON does not have', async () => {
  const { client, dict } = await opened()
  const when = new Date(1_000)
  await dict.set('when', when)
  const { text } = await client.json('api/key?key=when')
  expect(text).toMatch(/^rich:/)
  expect((await client.save('copy', text)).status).toBe(200)
  expect(await dict.get('copy')).toEqual(when)
  await client.save('big', '12345678901234567890')
  expect(await dict.get('big')).toBe(12345678901234567890n)
  expect((await client.json('api/key?key=big')).text).toContain('12345678901234567890')
})

test('edits the stored value, not what the schema makes of it', async () => {
  const { client, dict } = await opened({}, { schema: { when: z.string().transform(text => new Date(text)) } })
  await dict.set('when', '2020-01-01')
  expect((await client.json('api/key?key=when')).text).toBe('"2020-01-01"')
  expect((await client.save('when', '"2021-01-01"')).status).toBe(200)
  expect(await dict.get('when')).toEqual(new Date('2021-01-01'))
})

test('one value that cannot be decoded or shown does not hide the others', async () => {
  const store = new MemoryStore()
  const objects = await MemoryDict.open<Record<string, unknown>>(store, { encoding: new NoOpEncoding() })
  await objects.update({ fine: 1, odd: () => 1 })
  const client = new Client(createConsole(objects, { authorize: () => ADA }))
  expect((await client.json('api/keys')).items.map(({ key }: { key: string }) => key)).toEqual(['fine', 'odd'])
  expect(await client.json('api/key?key=odd')).toMatchObject({ fault: expect.any(String) })
  expect((await client.save('fine', '2')).status).toBe(200)
})

const NUMBERS: Record<string, StandardSchemaV1> = {
  zod: z.object({ on: z.boolean(), level: z.enum(['a', 'b']), limit: z.number().min(1).max(9) }),
  valibot: v.object({
    on: v.boolean(),
    level: v.picklist(['a', 'b']),
    limit: v.pipe(v.number(), v.minValue(1), v.maxValue(9)),
  }),
  arktype: type({ on: 'boolean', level: "'a' | 'b'", limit: '1 <= number <= 9' }) as unknown as StandardSchemaV1,
}

test.each(Object.keys(NUMBERS))('offers the JSON Schema of a schema of %s', async library => {
  const { client } = await opened({}, { schema: { settings: NUMBERS[library] as StandardSchemaV1 } })
  const { schema } = await client.json('api/key?key=settings')
  expect(schema).toMatchObject({
    type: 'object',
    properties: { on: { type: 'boolean' }, limit: { minimum: 1, maximum: 9 } },
  })
  expect(schema.properties.level.enum.toSorted()).toEqual(['a', 'b'])
  expect(schema.required.toSorted()).toEqual(['level', 'limit', 'on'])
})

test('offers no JSON Schema where the library cannot express it, and that of the option "jsonSchema" first', async () => {
  const { client } = await opened({}, { schema: { when: z.date() } })
  expect(await client.json('api/key?key=when')).not.toHaveProperty('schema')
  const named = await opened({ jsonSchema: () => ({ type: 'string' }) }, { schema: { when: z.date() } })
  expect((await named.client.json('api/key?key=when')).schema).toEqual({ type: 'string' })
})

test('pages the history, with what each key held before and after', async () => {
  const { client, dict } = await opened()
  for (const value of [1, 2, 3, 4, 5]) await dict.set('count', value, { by: 'bob', reason: `to ${value}` })
  const first = await client.json('api/history?limit=3')
  expect(first.commits.map(({ changes }: { changes: object[] }) => changes)).toEqual([
    [{ key: 'count', before: { text: '4' }, after: { text: '5' } }],
    [{ key: 'count', before: { text: '3' }, after: { text: '4' } }],
    [{ key: 'count', before: { text: '2' }, after: { text: '3' } }],
  ])
  expect(first.commits[0]).toMatchObject({ by: 'bob', reason: 'to 5', via: 'library', revertible: true })
  const second = await client.json(`api/history?limit=3&before=${first.next}`)
  expect(second.commits).toHaveLength(2)
  expect(second).toMatchObject({ complete: true })
  expect(second.next).toBeUndefined()
  expect((await client.get('api/history?before=none')).status).toBe(409)
})

test('folds large values of the history, and shows them on request', async () => {
  const { client, dict } = await opened()
  const large = 'x'.repeat(1_000_000)
  await dict.set('large', large)
  const { commits } = await client.json('api/history')
  expect(JSON.stringify(commits).length).toBeLessThan(1_000)
  const whole = await client.json(`api/change?id=${commits[0].id}&key=large`)
  expect(whole.after.text).toBe(JSON.stringify(large))
})

test('reverts a commit, once, and names a later change', async () => {
  const { client, dict } = await opened()
  await dict.set('theme', 'light')
  await dict.set('theme', 'dark')
  const [newest, oldest] = await dict.history().toArray()
  expect((await client.post('api/revert', { id: oldest?.id })).status).toBe(409)
  expect((await client.post('api/revert', { id: newest?.id, reason: 'wrong' })).status).toBe(200)
  expect(await dict.get('theme')).toBe('light')
  expect((await client.post('api/revert', { id: newest?.id })).status).toBe(409)
  expect((await client.post('api/revert', { id: 'none' })).status).toBe(404)
  const [revert] = await dict.history().toArray()
  expect(revert).toMatchObject({ by: 'ada@example.com', reason: 'wrong', via: 'console' })
})

test('says why a commit is not reverted, and reverts it if the user decides so', async () => {
  const { client, dict } = await opened()
  await dict.set('theme', 'light')
  await dict.set('theme', 'dark')
  await dict.set('theme', 'blue')
  const id = (await dict.history().toArray())[1]?.id
  const message = expect.stringMatching(/later commits changed "theme"\. Look at their history first\.$/)
  expect(await errorOf(await client.post('api/revert', { id }))).toMatchObject({ forcible: true, message })
  expect(await dict.get('theme')).toBe('blue')
  expect((await client.post('api/revert', { id, force: true })).status).toBe(200)
  expect(await dict.get('theme')).toBe('light')
  expect(await errorOf(await client.post('api/revert', { id: 'none' }))).not.toHaveProperty('forcible')
})

test.each([
  ['the schema refuses', {}, /what key "limit" held before\. not many$/],
  ['the schema refuses, without the reason if the key is masked', { mask: ['limit'] }, /key is masked/],
])('reverts to a value that %s if the user decides so', async (_what, options, message) => {
  const schema = { limit: z.number({ error: issue => `not ${String(issue.input)}` }) }
  const { client, dict, store } = await opened(options, { schema })
  const raw = await MemoryDict.open<Record<string, unknown>>(store)
  await raw.set('limit', 'many')
  await dict.set('limit', 5)
  const id = (await dict.history().toArray())[0]?.id
  const error = await errorOf(await client.post('api/revert', { id }))
  expect(error).toMatchObject({ forcible: true, message: expect.stringMatching(message) })
  if ('mask' in options) expect(error.message).not.toContain('many')
  expect((await client.post('api/revert', { id, force: true })).status).toBe(200)
  expect(await raw.get('limit')).toBe('many')
})

test('says whether a removed key goes back to a default, even one that has no text', async () => {
  const defaults = { secret: 'x', odd: () => 1, plain: 2 }
  const { client } = await opened({ mask: ['secret'] }, { encoding: new NoOpEncoding(), defaults } as never)
  for (const key of ['secret', 'odd', 'plain'])
    expect(await client.json(`api/key?key=${key}`)).toMatchObject({ hasDefault: true })
  expect(await client.json('api/key?key=other')).not.toHaveProperty('hasDefault')
})

test('says which process an everywhere write waits for, and when all have it', async () => {
  const { client, store, dict } = await opened()
  const reader = await MemoryDict.open(store, { service: 'web', live: true, maxStaleness: 60_000 })
  const response = await client.save('theme', '"dark"', { everywhere: true })
  expect(response.headers.get('content-type')).toMatch(/^application\/x-ndjson/)
  const lines = await linesOf(response)
  expect(lines[0]).toMatchObject({ progress: { current: 0, total: 1, waitingFor: [{ service: 'web' }] } })
  expect(lines.at(-1)).toMatchObject({ done: { key: 'theme', text: '"dark"' } })
  await reader.close()
  const conflict = await client.post('api/save', { key: 'theme', text: '1', token: 'absent', everywhere: true })
  expect(conflict.status).toBe(409)
  await dict.close()
})

test('lists the replicas', async () => {
  const { client, store } = await opened({}, { service: 'admin' })
  await MemoryDict.open(store, { service: 'web' })
  const { replicas } = await client.json('api/replicas')
  expect(replicas.map(({ service }: { service: string }) => service).sort()).toEqual(['admin', 'web'])
})

test.each([true, false])('sends what changes to open pages (live: %s)', async live => {
  const { client, store } = await opened({}, { live })
  const events = await client.get('api/events')
  const other = await MemoryDict.open<Record<string, unknown>>(store)
  await other.set('theme', 'dark', { by: 'bob' })
  const text = await readEvents(events, all => all.includes('event: change'))
  expect(text).toMatch(/^retry: 1000\nevent: ready/)
  const [, data = ''] = /event: change\ndata: (.*)/.exec(text) ?? []
  expect(JSON.parse(data).items).toMatchObject([{ key: 'theme', preview: '"dark"', changed: { by: 'bob' } }])
})

test('sends no event about keys that the user may not see, and asks to read the list after many changes', async () => {
  const can = (_: string, key: string) => key !== 'hidden'
  const { client, dict } = await opened({ authorize: () => ({ ...ADA, can }) }, { live: true })
  const events = await client.get('api/events')
  await dict.set('hidden', SECRET)
  await dict.set('seen', 1)
  const rest = readEvents(events, all => all.includes('event: reload'))
  await dict.update(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`key ${index}`, index])))
  const text = await rest
  expect(text).not.toContain('hidden')
  expect(text).not.toContain(SECRET)
})

test.each([true, false])(
  'asks to read the list when the store goes away, and when it returns (live: %s)',
  async live => {
    let down = false
    const backend = {
      persist: () => {},
      depersist: () => true,
      durables: () => new Map([['theme', '"dark"']]),
      lastUpdated: () => {
        if (down) throw new StoreUnavailableError('down')
        return 1
      },
      pollEvery: 20,
    }
    const dict = await DurableDict.open(backend, { live })
    const client = new Client(createConsole(dict, { authorize: () => ADA }))
    const events = await client.get('api/events')
    const reloads = (text: string) => text.split('event: reload').length - 1
    const listed: boolean[] = []
    const seen = readEvents(events, async text => {
      if (reloads(text) > listed.length) listed.push((await client.json('api/keys')).reachable)
      if (listed[0] === false) down = false
      return listed.includes(false) && listed.at(-1) === true
    })
    down = true
    await seen
    expect(listed[0]).toBe(false)
    await dict.close()
  },
)

test('asks for the rights again while changes never pause', async () => {
  const { dict } = await opened({}, { live: true })
  const operator = new Operator(dict)
  const office = {
    operator,
    isMasked: () => false,
    schemas: new JsonSchemas(undefined),
    recent: new RecentChanges(operator),
  }
  const refused = () => Promise.reject(new Error('signed out'))
  const stream = new Events(operator, 100).stream(new Desk(office, new Access(ADA, false)), refused)
  let count = 0
  const writer = setInterval(() => void dict.set('count', count++), 10)
  const text = await readEvents(new Response(stream), () => false)
  clearInterval(writer)
  expect(text).toContain('event: ready')
  expect(text).not.toContain('event: beat')
})

test('close() ends the streams of events, and opens no more', async () => {
  const { client, handle } = await opened({}, { live: true })
  const all = readEvents(await client.get('api/events'), () => false)
  handle.close()
  expect(await all).toMatch(/event: ready/)
  expect((await client.get('api/events')).status).toBe(503)
  expect((await client.get('api/keys')).status).toBe(200)
})

test('no proxy or compression may hold back what a stream sends', async () => {
  const { client } = await opened()
  const { headers, body } = await client.get('api/events')
  expect([headers.get('cache-control'), headers.get('x-accel-buffering')]).toEqual(['no-store, no-transform', 'no'])
  await body?.cancel()
})

test('ends the stream of events when the dictionary is closed', async () => {
  const { client, dict } = await opened({}, { live: true })
  const events = await client.get('api/events')
  const all = readEvents(events, () => false)
  await dict.close()
  expect(await all).toMatch(/event: ready/)
  expect((await client.get('api/keys')).status).toBe(503)
})

test('a backend without commit gets a console that only reads', async () => {
  const values = new Map([['theme', '"dark"']])
  const dict = await DurableDict.open({
    persist: (key: string, stored: string) => void values.set(key, stored),
    depersist: (key: string) => values.delete(key),
    durables: () => values,
    lastUpdated: () => 1,
  })
  const client = new Client(createConsole(dict, { authorize: () => ADA }))
  expect(await client.json('api/info')).toMatchObject({ readOnly: true, history: false })
  expect(await client.json('api/key?key=theme')).toMatchObject({ text: '"dark"', writable: false })
  expect((await client.save('theme', '1')).status).toBe(403)
  expect((await client.get('api/history')).status).toBe(501)
  expect((await client.get('api/replicas')).status).toBe(501)
  expect(values.get('theme')).toBe('"dark"')
})

test('an unknown error becomes a warning on the server, and says nothing to the browser', async () => {
  const warnings: Error[] = []
  const collect = (warning: Error) => warnings.push(warning)
  process.on('warning', collect)
  const { client } = await opened({ authorize: () => Promise.reject(new Error(SECRET)) })
  const response = await client.get('api/keys')
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain(SECRET)
  await expect.poll(() => warnings.some(({ message }) => message.includes('console'))).toBe(true)
  process.off('warning', collect)
})
