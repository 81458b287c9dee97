import { readdir, readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { withoutNames } from '../../src/console/everywhere.js'
import { jsonBody } from '../../src/console/json-body.js'
import { SCRIPT, STYLE } from '../../src/console/page-files.js'
import { ROUTES } from '../../src/console/routes.js'
import { type ConsoleOptions, createConsole } from '../../src/console.js'
import { MemoryDict, MemoryStore, NotEverywhereError } from '../../src/index.js'
import { ADA, BASE, Client, errorOf, linesOf, ORIGIN, opened, readEvents, walk } from './support.js'

const SECRET = 'correct horse battery staple'

test('refuses to mount without authorize', async () => {
  const dict = await MemoryDict.open()
  for (const options of [undefined, {}, { authorize: true }, { authorize: undefined }]) {
    expect(() => createConsole(dict, options as unknown as ConsoleOptions)).toThrow(
      /does not mount without "authorize"/,
    )
  }
  expect(() => createConsole({} as MemoryDict, { authorize: () => ADA })).toThrow(/open dictionary/)
})

test('refuses options that do not exist or have a wrong type', async () => {
  const dict = await MemoryDict.open()
  for (const options of [
    { auth: 1 },
    { readOnly: 'yes' },
    { mask: 'a' },
    { mask: [1] },
    { origins: ['a.com'] },
    { jsonSchema: 1 },
  ]) {
    expect(() => createConsole(dict, { authorize: () => ADA, ...options } as ConsoleOptions)).toThrow(TypeError)
  }
})

const REFUSALS: Record<string, ConsoleOptions['authorize']> = {
  undefined: () => undefined,
  null: () => null as never,
  false: () => false as never,
  'no user': () => ({}) as never,
  'an empty user': () => ({ user: '' }),
  'a user that is too long': () => ({ user: 'x'.repeat(257) }),
  'an error': () => {
    throw new Error(SECRET)
  },
  'a rejection': () => Promise.reject(new Error(SECRET)),
}

test.each(Object.keys(REFUSALS))('refuses every route when authorize returns %s', async name => {
  const { client, dict } = await opened({ authorize: REFUSALS[name] as ConsoleOptions['authorize'] })
  await dict.set('theme', SECRET)
  for (const { path, response, text } of await walk(client, 'theme')) {
    expect([path, response.status >= 400]).toEqual([path, true])
    expect(text).not.toContain(SECRET)
    expect(text).not.toContain('<html')
  }
  expect((await client.get('nothing/here.txt')).status).not.toBe(404)
  expect(await dict.get('theme')).toBe(SECRET)
})

test('asks authorize for each request, with the request', async () => {
  const asked: string[] = []
  const authorize = (request: Request) => {
    asked.push(`${request.method} ${request.url.slice(BASE.length).replace(/\?.*/, '')}`)
    return ADA
  }
  const { client } = await opened({ authorize })
  await walk(client, 'theme')
  expect(asked.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort())
})

test('sends the headers of protection with every answer', async () => {
  const { client } = await opened()
  const answers = (await walk(client, 'theme')).map(({ response }) => response)
  answers.push(
    await client.get('none.txt'),
    await client.post('api/save', '{'),
    await client.get('api/info', { 'sec-fetch-site': 'cross-site' }),
  )
  for (const { headers } of answers) {
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/)
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/)
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': expect.stringMatching(/^no-store/),
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect([...headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([])
  }
})

test('the page has nothing inline and no address outside its own folder', async () => {
  const { client } = await opened()
  const page = await (await client.get('')).text()
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|style=|https?:|(?:src|href)="\//)
})

test('the sources of the page put no text into the document as markup, and run no text as code', async () => {
  const folder = new URL('../../src/console/page/', import.meta.url)
  for (const name of await readdir(folder)) {
    const source = await readFile(new URL(name, folder), 'utf8')
    expect(source).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|srcdoc|https?:/i)
  }
})

const FOREIGN: Record<string, Record<string, string>> = {
  'cross-site': { 'sec-fetch-site': 'cross-site' },
  'same-site': { 'sec-fetch-site': 'same-site' },
  'an unknown word': { 'sec-fetch-site': 'own' },
  'a navigation from another site': {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'iframe',
  },
}

test.each(Object.keys(FOREIGN))('refuses every route with Sec-Fetch-Site of %s', async name => {
  const { client, dict } = await opened({}, { defaults: { theme: SECRET } })
  for (const { path, response, text } of await walk(client, 'theme', FOREIGN[name])) {
    expect([path, response.status]).toEqual([path, 403])
    expect(text).not.toContain(SECRET)
  }
  expect(await dict.size()).toBe(0)
})

test('refuses every route with a foreign Origin, and every change without both headers', async () => {
  const { handle, dict } = await opened()
  for (const { method, path, members } of ROUTES) {
    const query = method === 'GET' && members.includes('key') ? '?key=a' : ''
    const body = method === 'POST' ? JSON.stringify({ key: 'a', token: 'absent', text: '1' }) : null
    const send = (headers: Record<string, string>) =>
      handle(
        new Request(BASE + path + query, { method, headers: { 'content-type': 'application/json', ...headers }, body }),
      )
    for (const origin of ['https://evil.example', 'null', 'https://admin.example.com.evil.example', '']) {
      expect([path, origin, (await send({ origin })).status]).toEqual([path, origin, 403])
    }
    if (method === 'POST') expect([path, (await send({})).status]).toEqual([path, 403])
    if (method === 'POST') expect([path, (await send({ 'sec-fetch-site': 'none' })).status]).toEqual([path, 403])
  }
  expect(await dict.size()).toBe(0)
})

test('lets a link of another site open the page, as a document only', async () => {
  const { client } = await opened()
  const from = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  expect((await client.get('', { ...from, 'sec-fetch-dest': 'document' })).status).toBe(200)
  expect((await client.get('', { ...from, 'sec-fetch-dest': 'iframe' })).status).toBe(403)
  expect((await client.get('api/keys', { ...from, 'sec-fetch-dest': 'document' })).status).toBe(403)
})

test('accepts the own Origin of browsers without Sec-Fetch-Site, or those in "origins"', async () => {
  const { handle } = await opened()
  const info = (to: typeof handle, origin: string) => to(new Request(`${BASE}api/info`, { headers: { origin } }))
  expect((await info(handle, ORIGIN)).status).toBe(200)
  const named = (await opened({ origins: ['https://public.example'] })).handle
  expect((await info(named, 'https://public.example')).status).toBe(200)
  expect((await info(named, ORIGIN)).status).toBe(403)
})

test.each(['option', 'dictionary'])('refuses every change in read-only mode of the %s', async where => {
  const { store, dict } = await opened()
  await dict.set('theme', 'dark')
  const [commit] = await dict.history().toArray()
  const readOnly =
    where === 'option' ? { console: { readOnly: true }, dict: {} } : { console: {}, dict: { readOnly: true } }
  const { client } = await opened(readOnly.console, readOnly.dict, store)
  for (const { path } of ROUTES.filter(({ method }) => method === 'POST')) {
    const token = path === 'api/revert' ? {} : { key: 'theme', token: await client.token('theme') }
    const body = path === 'api/revert' ? { id: commit?.id } : path === 'api/save' ? { ...token, text: '1' } : token
    expect([path, (await client.post(path, body)).status]).toEqual([path, 403])
  }
  expect((await client.json('api/key?key=theme')).writable).toBe(false)
  expect((await client.json('api/info')).readOnly).toBe(true)
  expect(await dict.get('theme')).toBe('dark')
})

test('every route that changes something is a POST, and every POST is a change', () => {
  expect(ROUTES.filter(({ method, action }) => (method === 'POST') !== (action === 'write'))).toEqual([])
})

test.each(['false', 'a promise of false', '1', 'undefined', 'an error'])(
  'no route shows a key for which can returns %s',
  async name => {
    const answers: Record<string, () => unknown> = {
      false: () => false,
      'a promise of false': async () => false,
      1: () => 1,
      undefined: () => undefined,
      'an error': () => {
        throw new Error('no rights')
      },
    }
    const can = (_action: string, key: string) => (key === 'hidden' ? answers[name]?.() : true) as boolean
    const { client, dict } = await opened({ authorize: () => ({ ...ADA, can }) })
    await dict.update({ hidden: SECRET, theme: 'dark' })
    const [commit] = await dict.history().toArray()
    const texts = (await walk(client, 'hidden')).map(({ text }) => text)
    texts.push(await (await client.get(`api/change?id=${commit?.id}&key=hidden`)).text())
    texts.push(await (await client.post('api/revert', { id: commit?.id })).text())
    expect(texts.filter(text => text.includes(SECRET) || text.includes('"hidden"'))).toEqual([])
    for (const path of ['api/key?key=hidden', 'api/history?key=hidden']) expect((await client.get(path)).ok).toBe(false)
    expect((await client.save('theme', '"light"')).ok).toBe(true)
    expect(await dict.get('hidden')).toBe(SECRET)
  },
)

test('no route changes a key that the user may only read', async () => {
  const can = (action: string, key: string) => action === 'read' || key === 'theme'
  const { client, dict } = await opened({ authorize: () => ({ ...ADA, can }) })
  await dict.update({ limit: 1, theme: 'dark' })
  const [commit] = await dict.history().toArray()
  expect((await client.save('limit', '2')).status).toBe(403)
  expect((await client.post('api/unset', { key: 'limit', token: await client.token('limit') })).status).toBe(403)
  expect((await client.post('api/revert', { id: commit?.id })).status).toBe(403)
  expect((await client.json('api/history')).commits[0].revertible).toBe(false)
  expect(
    (await client.json('api/keys')).items.map(({ key, writable }: { key: string; writable: boolean }) => [
      key,
      writable,
    ]),
  ).toEqual([
    ['limit', false],
    ['theme', true],
  ])
  expect(await dict.entries()).toEqual([
    ['limit', 1],
    ['theme', 'dark'],
  ])
})

test('a user who may write a key but not read it can do neither', async () => {
  const { client, dict } = await opened({ authorize: () => ({ ...ADA, can: action => action === 'write' }) })
  expect((await client.post('api/save', { key: 'a', token: 'absent', text: '1' })).status).toBe(403)
  expect(await dict.size()).toBe(0)
})

test('masked values never leave the server: no route, conflict, error or event has them', async () => {
  const schema = {
    token: z.string().refine(text => !text.includes('bad'), { error: issue => `not ${String(issue.input)}` }),
  }
  const { client, dict } = await opened(
    { mask: [/^tok/] },
    { live: true, schema, defaults: { token: `${SECRET} default` } },
  )
  const events = await client.get('api/events')
  await dict.set('token', SECRET)
  await dict.set('token', `${SECRET} 2`)
  const commits = await dict.history().toArray()
  const answers = await walk(client, 'token')
  answers.push({
    path: '',
    method: 'GET' as const,
    text: '',
    response: await client.post('api/save', { key: 'token', token: 'absent', text: JSON.stringify(`${SECRET} 3`) }),
  })
  answers.push({
    path: '',
    method: 'GET' as const,
    text: '',
    response: await client.save('token', JSON.stringify(`${SECRET} bad`)),
  })
  answers.push({
    path: '',
    method: 'GET' as const,
    text: '',
    response: await client.get(`api/change?id=${commits[0]?.id}&key=token`),
  })
  expect(answers.slice(-3).map(({ response }) => response.status)).toEqual([409, 422, 403])
  const texts = await Promise.all(
    answers.map(({ text, response }) => text || (response.bodyUsed ? '' : response.text())),
  )
  texts.push(await readEvents(events, text => text.includes('"token"')))
  for (const text of texts) expect(text).not.toContain(SECRET)
  const entry = await client.json('api/key?key=token')
  expect(entry).toEqual({
    key: 'token',
    stored: true,
    declared: true,
    writable: true,
    masked: true,
    hasDefault: true,
    token: entry.token,
    reachable: true,
    changed: expect.anything(),
  })
})

test('a masked value can be replaced and removed by a user who saw the same version only', async () => {
  const { client, dict } = await opened({ mask: ['token'] })
  await dict.set('token', SECRET)
  const before = await client.token('token')
  expect((await client.save('token', '"new"')).status).toBe(200)
  expect((await client.post('api/save', { key: 'token', text: '"other"', token: before })).status).toBe(409)
  expect(await dict.get('token')).toBe('new')
  expect((await client.post('api/unset', { key: 'token', token: await client.token('token') })).status).toBe(200)
  expect(await dict.has('token')).toBe(false)
})

test('a mask that throws, or returns anything but false, masks the key', async () => {
  for (const mask of [
    () => undefined,
    () => Promise.resolve(false),
    () => {
      throw new Error()
    },
  ]) {
    const { client, dict } = await opened({ mask: mask as never })
    await dict.set('a', SECRET)
    expect((await client.json('api/key?key=a')).masked).toBe(true)
  }
  const { client } = await opened({ mask: [/a/g] })
  for (const _ of [1, 2]) expect((await client.json('api/key?key=aa')).masked).toBe(true)
})

test('refuses other methods', async () => {
  const { handle } = await opened()
  for (const { path, method } of ROUTES) {
    for (const other of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(one => one !== method)) {
      const response = await handle(
        new Request(BASE + path, { method: other, headers: { 'sec-fetch-site': 'same-origin' } }),
      )
      expect([path, other, response.status]).toEqual([path, other, 405])
      expect(response.headers.get('allow')).toContain(method)
    }
  }
})

test('refuses bodies of another type, that are too large, or that are not the JSON it takes', async () => {
  const { client, dict } = await opened()
  const body = { key: 'a', token: 'absent', text: '1' }
  const status = async (sent: unknown, headers?: Record<string, string>) =>
    (await client.post('api/save', sent, headers)).status
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonp',
    '',
  ]) {
    expect([type, await status(body, { 'content-type': type })]).toEqual([type, 415])
  }
  expect(await status({ ...body, text: 'x'.repeat(5_000_000) })).toBe(413)
  expect(await status(body, { 'content-length': '999999999' })).toBe(413)
  for (const sent of ['', '{', '[]', 'null', '1', '{"key":"a"}', '{"key":1,"token":"absent","text":"1"}']) {
    expect([sent, await status(sent)]).toEqual([sent, 400])
  }
  expect(await status({ ...body, more: 1 })).toBe(400)
  expect(await status({ ...body, everywhere: 'yes' })).toBe(400)
  expect(await status({ ...body, token: 'mine' })).toBe(400)
  expect(await status({ ...body, reason: 'x'.repeat(2_000) })).toBe(400)
  expect(await status('{"key":"a","token":"absent","text":"1","__proto__":{"key":"b"}}')).toBe(400)
  expect((await client.get('api/key?key=a&key=b')).status).toBe(400)
  expect((await client.get('api/keys?other=1')).status).toBe(400)
  for (const limit of ['0', '-1', '1e3', '101', 'NaN'])
    expect((await client.get(`api/history?limit=${limit}`)).status).toBe(400)
  expect(await dict.size()).toBe(0)
})

test('stops reading a body that is slow', async () => {
  const slow = new ReadableStream<Uint8Array>({ start: controller => controller.enqueue(new Uint8Array([123])) })
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: slow, duplex: 'half' }
  await expect(jsonBody(new Request(BASE, init as RequestInit), 20)).rejects.toMatchObject({ status: 408 })
})

const TRICKS = [
  'api%2fkeys',
  'api/keys%00',
  'api%5ckeys',
  'api//keys',
  'api/%6beys',
  'API/KEYS',
  'api/keys;x=1',
  'api%252fkeys',
  'api/ke%C4%B1ys',
  'api/%ff',
  'console.js%2f..%2f',
  'x/..%2f..%2fapi/keys',
  'package.json',
  '.env',
  'api/constructor',
  'api/__proto__',
]

test.each(TRICKS)('finds nothing at the path %s', async path => {
  const { client, dict } = await opened({}, { defaults: { theme: SECRET } })
  await dict.set('theme', SECRET)
  const response = await client.get(path)
  expect([308, 404]).toContain(response.status)
  expect(await response.text()).not.toContain(SECRET)
})

test('redirects a path without its last slash, never to another site', async () => {
  const { handle } = await opened()
  for (const path of ['/ops/settings', '/settings', '/javascript:alert(1)', '/@evil.example']) {
    const url = new URL(path, ORIGIN)
    const response = await handle(new Request(url, { headers: { 'sec-fetch-site': 'none' } }))
    if (path.includes('.')) expect(response.status).toBe(404)
    else expect(new URL(response.headers.get('location') ?? '', url).href).toBe(`${url.href}/`)
  }
})

test('a key, value, author or reason with markup is sent as JSON, which no browser renders', async () => {
  const markup = '<img src=x onerror=alert(1)>"\'</script>'
  const { handle, dict } = await opened({ authorize: () => ({ user: markup }) })
  const client = new Client(handle)
  await dict.set(markup, markup, { by: markup, reason: markup })
  for (const path of [
    'api/keys',
    `api/key?key=${encodeURIComponent(markup)}`,
    'api/history',
    'api/info',
    `api/key?${encodeURIComponent(markup)}=1`,
  ]) {
    const response = await client.get(path)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  }
  expect(await (await client.get('')).text()).not.toContain('onerror')
})

test('the page has at most 60 KB of JavaScript and CSS, compressed', () => {
  expect(gzipSync(SCRIPT).length + gzipSync(STYLE).length).toBeLessThan(60_000)
})

test('no token confirms a guess of a masked value', async () => {
  const { client, dict, handle, store } = await opened({ mask: ['token'] })
  const seeing = await opened({}, {}, store)
  await dict.set('token', SECRET)
  const guess = await seeing.client.token('token')
  const response = await new Client(handle).post('api/save', { key: 'token', token: guess, text: '1' })
  expect(response.status).toBe(400)
  expect((await client.post('api/unset', { key: 'token', token: guess })).status).toBe(400)
  expect(await dict.get('token')).toBe(SECRET)
})

test('the refusal of a key names no other key', async () => {
  const can = (_: string, key: string) => key.startsWith('ui.')
  const schema = { 'ui.theme': z.string(), 'hidden.key': z.string() }
  const { client } = await opened({ authorize: () => ({ ...ADA, can }) }, { schema })
  const response = await client.post('api/save', { key: 'ui.other', token: 'absent', text: '"x"' })
  expect([response.status, await response.text()]).toEqual([400, expect.not.stringContaining('hidden')])
})

test('an answer to a repeated request is that of the same user and the same content', async () => {
  const users = ['ada', 'bob']
  const { client } = await opened({ authorize: () => ({ user: users[0] as string }) })
  const body = { key: 'a', token: 'absent', text: '1', request: '1' }
  expect((await client.post('api/save', body)).status).toBe(200)
  expect((await client.post('api/save', body)).status).toBe(200)
  expect((await client.post('api/save', { ...body, text: '2' })).status).toBe(409)
  users.shift()
  expect((await client.post('api/save', body)).status).toBe(409)
})

test('refuses values that nest too deep', async () => {
  const { client, dict } = await opened()
  expect((await client.save('a', '['.repeat(1_000_000))).status).toBe(422)
  expect((await client.save('a', `${'['.repeat(5_000)}${']'.repeat(5_000)}`)).status).toBe(422)
  expect(await dict.size()).toBe(0)
})

test.each([false, null, '', 0])('refuses a request for which authorize returns %j', async nobody => {
  const { client } = await opened({ authorize: () => nobody as unknown as undefined })
  const response = await client.get('api/keys')
  expect([response.status, (await errorOf(response)).code]).toEqual([403, 'FORBIDDEN'])
})

test('a user with limited rights sees no process, unless "replicas" allows it', async () => {
  const store = new MemoryStore()
  const reader = await MemoryDict.open(store, { service: 'billing', live: true, maxStaleness: 60_000 })
  const can = () => true
  for (const [user, allowed] of [
    [ADA, true],
    [{ ...ADA, can }, false],
    [{ ...ADA, can, replicas: true }, true],
    [{ ...ADA, replicas: false }, false],
  ] as const) {
    const { client, dict } = await opened({ authorize: () => user }, {}, store)
    expect((await client.get('api/replicas')).status).toBe(allowed ? 200 : 403)
    expect((await client.json('api/info')).replicas).toBe(allowed)
    const lines = await linesOf(await client.save('theme', `${allowed}`, { everywhere: true }))
    expect(lines[0]).toMatchObject({ progress: { total: 1, waitingFor: allowed ? [{ service: 'billing' }] : [] } })
    expect(lines.at(-1)).toMatchObject({ done: { key: 'theme' } })
    await dict.close()
  }
  await reader.close()
})

test('a user without "replicas" learns no name of a process that misses a change', async () => {
  const missing = new NotEverywhereError('billing misses it', {
    waitingFor: [{ id: 'x', host: 'billing', pid: 1 }],
  })
  const failed = withoutNames(
    () => Promise.reject(missing),
    () => {},
  )
  await expect(failed).rejects.toMatchObject({ code: missing.code, message: expect.not.stringContaining('billing') })
})
