import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type DurableDict, MemoryDict, StoreUnavailableError } from '../../src/index.js'
import type { Dicts, Framework, Served, Site } from './frameworks/site.js'
import { Barrier, getJson, heard, pair } from './support.js'

/** What is true of every framework. */
export function frameworkSuite(framework: Framework): void {
  const sites: Served[] = []
  afterEach(async () => {
    for (const site of sites.splice(0)) await site.close()
  })

  async function serve(site: Site): Promise<string> {
    const served = await framework.serve(site)
    sites.push(served)
    return served.url
  }

  /** A page that shows the colour by each way of reading it. */
  const colours = (dict: DurableDict) => (dicts: Dicts) => ({
    dicts: dicts.settings?.get('colour'),
    current: dict.current().get('colour'),
    same: dicts.settings === dict.current(),
  })
  const both = (colour: string) => ({ dicts: colour, current: colour, same: true })

  test(`${framework.name}: writes of a request carry the author that "by" returns`, async () => {
    const { dict, writer } = await pair({ by: 'service' } as never)
    const asked: unknown[] = []
    const by = (request: object) => {
      asked.push(typeof request)
      return 'ada@example.com'
    }
    const page = async () => {
      await dict.set('colour', 'green')
      await dict.set('colour', 'blue', { by: 'explicit' })
      await writer.set('colour', 'red')
      return {}
    }
    const url = await serve({ dictionaries: { settings: dict }, options: { by }, pages: { '/': page } })
    await getJson(url)
    await dict.set('colour', 'grey')
    const authors = (await dict.history().toArray()).map(commit => commit.by)
    expect(authors.slice(0, 4)).toEqual(['service', undefined, 'explicit', 'ada@example.com'])
    expect(asked).toEqual(['object'])
  })

  describe(`${framework.name}: freshness`, () => {
    test('each request sees what was written before it arrived, also without autosync', async () => {
      for (const options of [{}, { autosync: false }, { live: true }]) {
        const { dict, writer } = await pair(options)
        const url = await serve({ dictionaries: { settings: dict }, pages: { '/': colours(dict) } })
        for (const colour of ['green', 'blue']) {
          await writer.set('colour', colour)
          expect(await getJson(url)).toEqual(both(colour))
        }
        await dict.close()
      }
    })

    test('requests that arrive together share a check', async () => {
      const { dict, faulty } = await pair()
      const all = new Barrier()
      let arrived = 0
      const onArrival = () => {
        arrived += 1
        if (arrived === 20) all.open()
      }
      const url = await serve({ dictionaries: { settings: dict }, pages: { '/': colours(dict) }, onArrival })
      const before = faulty.count('changesSince')
      faulty.delayBefore('changesSince', () => all.pass())
      const answers = await Promise.all(Array.from({ length: 20 }, () => getJson(url)))
      expect(answers).toEqual(Array(20).fill(both('red')))
      // The first one's check, which was in progress when the others arrived, and theirs.
      expect(faulty.count('changesSince') - before).toBeLessThanOrEqual(2)
    })

    test('no check is made within maxStaleness', async () => {
      const { dict, writer, faulty } = await pair()
      const options = { maxStaleness: 60_000 }
      const url = await serve({ dictionaries: { settings: dict }, options, pages: { '/': colours(dict) } })
      // The first request records the bound; the next one's check can be relied on.
      await getJson(url)
      await getJson(url)
      const before = faulty.calls.length
      await writer.set('colour', 'green')
      for (let request = 0; request < 3; request += 1) expect(await getJson(url)).toEqual(both('red'))
      expect(faulty.calls.length).toBe(before)
      await dict.sync()
      expect(await getJson(url)).toEqual(both('green'))
    })
  })

  describe(`${framework.name}: one state in a request`, () => {
    test('nothing changes in the middle of a request while writes succeed and other requests see them', async () => {
      const { dict, writer } = await pair()
      const barrier = new Barrier()
      const look = colours(dict)
      const url = await serve({
        dictionaries: { settings: dict },
        pages: {
          '/': look,
          '/long': async dicts => {
            const early = look(dicts)
            await barrier.pass()
            await dict.set('own', 'write')
            return [early, look(dicts), dict.current().get('own') ?? 'unseen', dict.local.get('colour')]
          },
        },
      })
      const long = getJson(`${url}/long`)
      await barrier.arrived
      await writer.set('colour', 'green')
      expect(await getJson(url)).toEqual(both('green'))
      barrier.open()
      expect(await long).toEqual([both('red'), both('red'), 'unseen', 'green'])
    })

    test('dict.current() is the same everywhere in a request', async () => {
      const { dict, writer } = await pair()
      const seen = (): unknown => dict.current().get('colour')
      async function* generator() {
        yield seen()
        await delay(1)
        yield seen()
      }
      const url = await serve({
        dictionaries: { settings: dict },
        pages: {
          '/deep': async () => {
            await writer.set('colour', 'green')
            await dict.sync()
            const found = [await delay(1).then(seen), await immediate().then(seen)]
            for await (const one of generator()) found.push(one)
            found.push(await new Promise(resolve => process.nextTick(() => resolve(seen()))))
            found.push(await new Promise(resolve => setTimeout(() => queueMicrotask(() => resolve(seen())), 1)))
            return found
          },
        },
      })
      expect(await getJson(`${url}/deep`)).toEqual(Array(6).fill('red'))
      // Outside a request: the present memory.
      expect(seen()).toBe('green')
    })

    test('also after a body was read', async () => {
      const { dict } = await pair()
      const look = colours(dict)
      const url = await serve({
        dictionaries: { settings: dict },
        pages: { '/': (dicts, body) => ({ body, ...look(dicts), changed: dict.current() !== dicts.settings }) },
      })
      // More than one chunk, so that its end arrives by a separate event.
      const body = { text: 'x'.repeat(80_000) }
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
      await dict.set('colour', 'green')
      expect(await getJson(url, init)).toEqual({ body, ...both('green'), changed: false })
    })

    test('also while a response is streamed', async () => {
      const { dict, writer } = await pair()
      const barrier = new Barrier()
      async function* text() {
        yield `${dict.current().get('colour')} `
        await barrier.pass()
        for (let chunk = 0; chunk < 20; chunk += 1) yield `${dict.current().get('colour')} `.padEnd(20_000)
      }
      const url = await serve({ dictionaries: { settings: dict }, pages: { '/': () => text() } })
      const response = await fetch(url)
      await barrier.arrived
      await writer.set('colour', 'green')
      await dict.sync()
      barrier.open()
      expect((await response.text()).trim().split(/\s+/)).toEqual(Array(21).fill('red'))
    })

    test('also in an error handler', async () => {
      const { dict, writer } = await pair()
      const url = await serve({
        dictionaries: { settings: dict },
        pages: {
          '/': async () => {
            await writer.set('colour', 'green')
            await dict.sync()
            throw new Error('thrown by the page')
          },
        },
        onError: error => ({ message: (error as Error).message, colour: dict.current().get('colour') }),
      })
      const response = await fetch(url)
      expect(response.status).toBe(500)
      const colour = framework.name === 'Koa' ? 'green' : 'red' // it is handled above the middleware there
      expect(await response.json()).toEqual({ message: 'thrown by the page', colour })
    })
  })

  describe(`${framework.name}: the dictionaries of a request`, () => {
    test('several under chosen names are each confirmed by one check', async () => {
      const settings = await pair()
      const flags = await pair({}, 'flags')
      await flags.writer.set('checkout', true)
      const dictionaries = { settings: settings.dict, switches: flags.dict }
      const show = (dicts: Dicts) => ({
        names: Object.keys(dicts),
        frozen: Object.isFrozen(dicts),
        colour: dicts.settings?.get('colour'),
        checkout: dicts.switches?.get('checkout'),
      })
      const url = await serve({ dictionaries, pages: { '/': show } })
      const expected = { names: ['settings', 'switches'], frozen: true, colour: 'red', checkout: true }
      expect(await getJson(url)).toEqual(expected)
      expect([settings, flags].map(({ faulty }) => faulty.count('changesSince'))).toEqual([1, 1])
    })

    test('an array or a single one uses their own names', async () => {
      const { dict } = await pair()
      const other = await MemoryDict.open()
      const names = (dicts: Dicts) => Object.keys(dicts)
      expect(await getJson(await serve({ dictionaries: [dict, other], pages: { '/': names } }))).toEqual([
        'settings',
        'memory',
      ])
      expect(await getJson(await serve({ dictionaries: dict, pages: { '/': names } }))).toEqual(['settings'])
    })
  })

  describe(`${framework.name}: a store that is down`, () => {
    test("'serve' serves from memory, with one event for the outage and one for its end", async () => {
      const { dict, writer, faulty } = await pair()
      const events = heard(dict)
      const url = await serve({ dictionaries: { settings: dict }, pages: { '/': colours(dict) } })
      await writer.set('colour', 'green')
      faulty.failBefore('changesSince', new Error('connection refused'))
      for (let request = 0; request < 3; request += 1) expect(await getJson(url)).toEqual(both('red'))
      expect(events).toEqual([{ event: 'stale', cause: expect.any(StoreUnavailableError) }])
      faulty.heal()
      expect(await getJson(url)).toEqual(both('green'))
      expect(events.map(({ event }) => event)).toEqual(['stale', 'fresh'])
    })

    test("'fail' responds with 503 and Retry-After, reveals no internals, and then recovers", async () => {
      const { dict, faulty } = await pair()
      const options = { whenDown: 'fail' } as const
      const url = await serve({ dictionaries: { settings: dict }, options, pages: { '/': colours(dict) } })
      faulty.failBefore('changesSince', new Error('connection refused to 10.1.2.3'))
      for (let request = 0; request < 2; request += 1) {
        const response = await fetch(url)
        expect(response.status).toBe(503)
        expect(response.headers.get('retry-after')).toBe('5')
        const text = await response.text()
        expect(text).toMatch(/service (is )?unavailable/i)
        expect(text).not.toMatch(/10\.1\.2\.3|refused|settings|at .*\.[jt]s/)
      }
      faulty.heal()
      const response = await fetch(url)
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual(both('red'))
    })

    test('a closed dictionary causes 503, whatever the option', async () => {
      const { dict } = await pair()
      const url = await serve({ dictionaries: { settings: dict }, pages: { '/': colours(dict) } })
      await dict.close()
      expect((await fetch(url)).status).toBe(503)
    })

    test('a dictionary closed while a request waits for it causes 503', async () => {
      const { dict, faulty } = await pair()
      const events = heard(dict)
      const url = await serve({ dictionaries: { settings: dict }, pages: { '/': colours(dict) } })
      faulty.hang('changesSince')
      const called = faulty.called('changesSince')
      const response = fetch(url)
      await called
      await dict.close()
      expect((await response).status).toBe(503)
      expect(events).toEqual([])
    })
  })
}
