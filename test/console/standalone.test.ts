import { request as httpRequest } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { ROUTES } from '../../src/console/routes.js'
import { type Standalone, serveConsole } from '../../src/console/standalone.js'
import { MemoryDict } from '../../src/index.js'
import { cli, temporaryFolder } from '../cli/support.js'

const open: Standalone[] = []

afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function served(): Promise<Standalone> {
  const dict = await MemoryDict.open()
  await dict.set('theme', 'dark')
  const standalone = await serveConsole(dict, { user: 'ada@desk' })
  open.push(standalone)
  return standalone
}

const get = (url: string, headers: Record<string, string> = {}) => fetch(url, { redirect: 'manual', headers })

/** Exchanges the token, as a browser does when it opens the address. */
async function signedIn({ url }: Standalone): Promise<string> {
  const response = await get(url)
  expect([response.status, response.headers.get('location')]).toEqual([303, './'])
  return response.headers.getSetCookie()[0] ?? ''
}

test('lets nobody in without the token, whatever the route', async () => {
  const { address } = await served()
  for (const { path, method } of ROUTES) {
    const headers = {
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/json',
      cookie: 'durabledict-console=x',
    }
    const response = await fetch(address + path, { method, headers, body: method === 'POST' ? '{}' : null })
    expect([path, response.status]).toEqual([path, 403])
  }
})

test('exchanges the token for a cookie, once, and takes it out of the address', async () => {
  const standalone = await served()
  const cookie = await signedIn(standalone)
  expect(cookie).toMatch(/^durabledict-console-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
  expect(cookie).not.toContain(new URL(standalone.url).searchParams.get('token'))
  const headers = { cookie: cookie.split(';')[0] ?? '' }
  expect((await get(standalone.address, headers)).status).toBe(200)
  expect(await (await get(`${standalone.address}api/info`, headers)).json()).toMatchObject({ user: 'ada@desk' })
  expect((await get(standalone.url)).status).toBe(403)
})

test('leads the browser that it knows to the page when it opens the printed address again', async () => {
  const standalone = await served()
  const cookie = (await signedIn(standalone)).split(';')[0] ?? ''
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const response = await get(standalone.url, { cookie })
    expect([response.status, response.headers.get('location')]).toEqual([303, './'])
  }
})

test('refuses every token for a minute after five wrong ones', async () => {
  const standalone = await served()
  for (let attempt = 0; attempt < 5; attempt += 1) {
    expect((await get(`${standalone.address}?token=guess`)).status).toBe(403)
  }
  for (const url of [`${standalone.address}?token=guess`, standalone.url]) {
    const response = await get(url)
    expect([response.status, Number(response.headers.get('retry-after')) > 50]).toEqual([429, true])
  }
})

test('refuses a name of another site that leads to this machine', async () => {
  const standalone = await served()
  const cookie = (await signedIn(standalone)).split(';')[0] ?? ''
  const status = await new Promise(resolve => {
    const headers = { host: 'evil.example', cookie }
    httpRequest(standalone.address, { headers }, response => resolve(response.resume().statusCode)).end()
  })
  expect(status).toBe(403)
})

test('a page opened from a file comes again by itself, so that the browser sends the cookie', async () => {
  const { address } = await served()
  const response = await get(address, { 'sec-fetch-site': 'cross-site' })
  expect(await response.text()).toContain('http-equiv="refresh" content="0"')
  expect((await get(address, { 'sec-fetch-site': 'same-origin' })).status).toBe(403)
})

test('durabledict console serves the dictionary until Ctrl-C, and prints an address that lets one browser in', async () => {
  await using folder = await temporaryFolder()
  const url = `sqlite:${folder.path}/app.db#settings`
  const ending = new AbortController()
  let printed = ''
  let tell = (_address: string) => {}
  const address = new Promise<string>(resolve => {
    tell = resolve
  })
  const onOutput = (text: string, stream: string) => {
    if (stream === 'stdout') printed += text
    const [found] = /http:\S+[\w-]{43}/.exec(printed) ?? []
    if (found) tell(found)
  }
  const running = cli(['console', '--url', url, '--mask', '*token*'], { signal: ending.signal, onOutput })
  const cookie = ((await get(await address)).headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
  const base = new URL('./', await address).href
  const body = JSON.stringify({ key: 'api token', token: 'absent', text: '"secret"' })
  const headers = { cookie, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }
  expect((await fetch(`${base}api/save`, { method: 'POST', headers, body })).status).toBe(200)
  const history = await (await get(`${base}api/history`, headers)).text()
  expect(history).toContain('"by":"ada@desk"')
  expect(history).not.toContain('secret')
  ending.abort()
  expect((await running).code).toBe(0)
  await expect(get(base)).rejects.toThrow()
})

test.each([['--port', '0'], ['--port', '65536'], ['word']])('durabledict console refuses %s %s', async (...args) => {
  expect((await cli(['console', '--url', 'sqlite::memory:#a', ...args])).code).toBe(2)
})
