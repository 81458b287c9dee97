import * as flagd from '@openfeature/flagd-core'
import { type EventDetails, OpenFeature, ProviderEvents, ProviderStatus } from '@openfeature/server-sdk'
import express from 'express'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MemoryBackend } from '../../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../../src/conformance/faulty-backend.js'
import { freshPerRequest } from '../../../src/express.js'
import { DurableDict, MemoryStore } from '../../../src/index.js'
import { DurableDictProvider } from '../../../src/openfeature.js'
import { clientOf, evaluate } from './flags.js'

async function open(options = {}) {
  const store = new MemoryStore()
  const faulty = new FaultyBackend(new MemoryBackend(store, 'flags'))
  const dict = await DurableDict.open(faulty.backend, options)
  onTestFinished(() => dict.close())
  return { store, faulty, dict }
}

describe('a plain value', () => {
  test.each([
    ['Boolean', true, false],
    ['String', '', 'fallback'],
    ['Float', 0, 1],
    ['Object', { a: [1] }, {}],
  ] as const)('is a flag: %s', async (type, value, fallback) => {
    const { dict } = await open()
    await dict.set('flag', value)
    const { client } = await clientOf(dict)
    const details = await evaluate(client, type, 'flag', fallback)
    expect(details).toMatchObject({
      value,
      reason: 'STATIC',
      flagMetadata: { flagSetId: 'flags', version: dict.version },
    })
  })

  test('has the reason DEFAULT if only the dictionary has a default for it', async () => {
    const { dict } = await open({ defaults: { flag: 'of the dictionary' } } as never)
    const { client } = await clientOf(dict)
    expect(await client.getStringDetails('flag', 'of the call')).toMatchObject({
      value: 'of the dictionary',
      reason: 'DEFAULT',
    })
    await dict.set('flag', 'stored')
    expect(await client.getStringDetails('flag', 'of the call')).toMatchObject({ value: 'stored', reason: 'STATIC' })
  })

  test.each([
    ['null', null],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['a bigint', 1n],
  ])('is a TYPE_MISMATCH for every type if it is %s', async (_name, value) => {
    const { dict } = await open()
    await dict.set('flag', value)
    const { client } = await clientOf(dict)
    const all = [
      await client.getObjectDetails('flag', {}),
      await client.getNumberDetails('flag', 1),
      await client.getStringDetails('flag', 'x'),
      await client.getBooleanDetails('flag', true),
    ]
    expect(all.map(({ errorCode }) => errorCode)).toEqual(Array(4).fill('TYPE_MISMATCH'))
    expect(all.map(one => one.value)).toEqual([{}, 1, 'x', true])
  })
})

describe('errors', () => {
  test.each([
    ['that is empty', ''],
    ['that is longer than any key', 'x'.repeat(513)],
    ['of the prototype of objects', '__proto__'],
    ['of the shared rules', '$evaluators'],
  ])('are FLAG_NOT_FOUND for a key %s', async (_name, key) => {
    const { dict } = await open()
    await dict.set('$evaluators', {})
    const { client } = await clientOf(dict)
    expect(await client.getObjectDetails(key, {})).toMatchObject({ reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' })
  })

  test('are PARSE_ERROR for a value that cannot be decoded, and other flags are not affected', async () => {
    const { dict, store } = await open({
      encoding: { name: 'odd', encode: String, decode: (text: string) => JSON.parse(text) },
    } as never)
    new MemoryBackend(store).persist('broken', '{')
    new MemoryBackend(store).persist('whole', 'true')
    await dict.sync()
    const { client } = await clientOf(dict)
    expect(await client.getBooleanDetails('broken', false)).toMatchObject({ value: false, errorCode: 'PARSE_ERROR' })
    expect(await client.getBooleanValue('whole', false)).toBe(true)
  })

  test.each([
    ['an unknown state', { state: 'MAYBE', variants: { on: true }, defaultVariant: 'on' }],
    ['a default variant that does not exist', { state: 'ENABLED', variants: { on: true }, defaultVariant: 'off' }],
    [
      'rules that are no rules',
      { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on', targeting: { no: { such: 'rule' } } },
    ],
  ])('are PARSE_ERROR for a flag definition with %s', async (_name, definition) => {
    const { dict } = await open()
    await dict.set('flag', definition)
    const { client } = await clientOf(dict)
    vi.spyOn(console, 'warn').mockReturnValue()
    onTestFinished(() => void vi.restoreAllMocks())
    expect(await client.getBooleanDetails('flag', false)).toMatchObject({ value: false, errorCode: 'PARSE_ERROR' })
  })

  test('are PROVIDER_NOT_READY until the SDK has initialized the provider', async () => {
    const { dict } = await open()
    await dict.set('flag', true)
    class Slow extends DurableDictProvider {
      override initialize = () => new Promise<void>(() => {})
    }
    OpenFeature.setProvider('not ready', new Slow(dict))
    const client = OpenFeature.getClient('not ready')
    expect(client.providerStatus).toBe(ProviderStatus.NOT_READY)
    const expected = { errorCode: 'PROVIDER_NOT_READY', value: false }
    expect(await client.getBooleanDetails('flag', false)).toMatchObject(expected)
  })

  test('are PROVIDER_NOT_READY after the dictionary was closed', async () => {
    const { dict } = await open()
    await dict.set('flag', true)
    const { client } = await clientOf(dict)
    expect(await client.getBooleanValue('flag', false)).toBe(true)
    await dict.close()
    expect(client.providerStatus).toBe(ProviderStatus.ERROR)
    const expected = { errorCode: 'PROVIDER_NOT_READY', value: false }
    expect(await client.getBooleanDetails('flag', false)).toMatchObject(expected)
  })

  test('are PROVIDER_FATAL if the dictionary was closed before the provider was registered', async () => {
    const { dict } = await open()
    await dict.close()
    await expect(OpenFeature.setProviderAndWait('fatal', new DurableDictProvider(dict))).rejects.toThrow(/closed/)
    const client = OpenFeature.getClient('fatal')
    expect(client.providerStatus).toBe(ProviderStatus.FATAL)
    expect(await client.getBooleanDetails('flag', false)).toMatchObject({ errorCode: 'PROVIDER_FATAL', value: false })
  })

  test('of the caller throw a TypeError', async () => {
    const { dict } = await open()
    expect(() => new DurableDictProvider({} as never)).toThrow(/takes an open dictionary/)
    expect(() => new DurableDictProvider(dict, { evaluate: 'x' as never })).toThrow(/"evaluate"/)
    expect(() => new DurableDictProvider(dict, { evalute: () => undefined } as never)).toThrow(/evalute/)
  })
})

describe('evaluate', () => {
  test('decides by the stored value and the context', async () => {
    const { dict } = await open()
    await dict.set('limits', { acme: 10, others: 1 })
    const { client } = await clientOf(dict, {
      evaluate: (stored, { tenant }, { key }) =>
        key === 'limits' && tenant === 'acme'
          ? { value: (stored as { acme: number }).acme, variant: 'acme' }
          : undefined,
    })
    const details = await client.getNumberDetails('limits', 0, { tenant: 'acme' })
    expect(details).toMatchObject({
      value: 10,
      variant: 'acme',
      reason: 'TARGETING_MATCH',
      flagMetadata: { flagSetId: 'flags' },
    })
    expect(await client.getObjectDetails('limits', {})).toMatchObject({
      value: { acme: 10, others: 1 },
      reason: 'STATIC',
    })
  })

  test('may name a reason, read other entries of the same state, and take its time', async () => {
    const { dict } = await open()
    await dict.update({ flag: 'old', rule: 'v1' })
    const { client } = await clientOf(dict, {
      async evaluate(_stored, _context, { state }) {
        await dict.set('rule', 'v2')
        return { value: state.get('rule') as string, reason: 'SPLIT' }
      },
    })
    expect(await client.getStringDetails('flag', '')).toMatchObject({ value: 'v1', reason: 'SPLIT' })
  })

  test.each([
    ['throws', () => Promise.reject(new Error('no rule')), 'GENERAL'],
    [
      'throws an error with a code of OpenFeature',
      () => Promise.reject(Object.assign(new Error('no key'), { code: 'TARGETING_KEY_MISSING' })),
      'TARGETING_KEY_MISSING',
    ],
    ['returns no object', () => true as never, 'GENERAL'],
    ['returns a value of another type', () => ({ value: 1 }), 'TYPE_MISMATCH'],
  ])('is an error of the evaluation if it %s', async (_name, evaluate, errorCode) => {
    const { dict } = await open()
    await dict.set('flag', true)
    const { client } = await clientOf(dict, { evaluate })
    expect(await client.getBooleanDetails('flag', false)).toMatchObject({ value: false, reason: 'ERROR', errorCode })
  })
})

describe('flag definitions', () => {
  const definition = {
    state: 'ENABLED',
    variants: { on: true, off: false },
    defaultVariant: 'off',
    targeting: { if: [{ $ref: 'isAcme' }, 'on', null] },
  }

  test('share the rules of the entry $evaluators, as they are in the state', async () => {
    const { dict } = await open()
    await dict.update({ flag: definition, $evaluators: { isAcme: { '==': [{ var: 'tenant' }, 'acme'] } } })
    const { client } = await clientOf(dict)
    expect(await client.getBooleanValue('flag', false, { tenant: 'acme' })).toBe(true)
    await dict.set('$evaluators', { isAcme: { '==': [{ var: 'tenant' }, 'acme inc'] } })
    expect(await client.getBooleanValue('flag', false, { tenant: 'acme' })).toBe(false)
  })

  test('are evaluated by the package that is passed', async () => {
    const { dict } = await open()
    await dict.set('flag', { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' })
    const created = vi.fn()
    class FlagdCore extends flagd.FlagdCore {
      constructor() {
        super()
        created()
      }
    }
    const { client } = await clientOf(dict, { flagd: { FlagdCore } })
    expect(await client.getBooleanValue('flag', false)).toBe(true)
    expect(await client.getBooleanValue('flag', false)).toBe(true)
    expect(created).toHaveBeenCalledOnce()
  })
})

describe('events', () => {
  test('say which flags changed, once for each state', async () => {
    const { dict, store } = await open({ live: true })
    const { client } = await clientOf(dict)
    const changes: (readonly string[] | undefined)[] = []
    client.addHandler(
      ProviderEvents.ConfigurationChanged,
      details => void changes.push((details as EventDetails<ProviderEvents.ConfigurationChanged>).flagsChanged),
    )
    await dict.update({ a: 1, b: 2 })
    const other = await DurableDict.open(new MemoryBackend(store))
    await other.delete('a')
    await vi.waitFor(() => expect(changes).toEqual([['a', 'b'], ['a']]))
    await other.close()
  })

  test('name every flag definition if the shared rules changed', async () => {
    const { dict } = await open()
    await dict.update({
      plain: 1,
      flag: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' },
      $evaluators: {},
    })
    const { client } = await clientOf(dict)
    const changes: unknown[] = []
    client.addHandler(ProviderEvents.ConfigurationChanged, details => void changes.push(details))
    await dict.set('$evaluators', { isAcme: true })
    expect(changes).toMatchObject([{ flagsChanged: ['flag'] }])
  })

  test('say that the provider is stale and ready again, and the reason is STALE meanwhile', async () => {
    const { dict, faulty } = await open({ live: true, maxStaleness: 100 })
    await dict.set('flag', true)
    const { client } = await clientOf(dict)
    const event = (name: ProviderEvents.Stale | ProviderEvents.Ready) =>
      new Promise(resolve => void client.addHandler(name, resolve as never))
    await event(ProviderEvents.Ready)
    const stale = event(ProviderEvents.Stale)
    faulty.failBefore('changesSince')
    await stale
    expect(client.providerStatus).toBe(ProviderStatus.STALE)
    expect(await client.getBooleanDetails('flag', false)).toMatchObject({ value: true, reason: 'STALE' })
    faulty.heal()
    await vi.waitFor(() => expect(client.providerStatus).toBe(ProviderStatus.READY), { timeout: 10_000 })
    expect(await client.getBooleanDetails('flag', false)).toMatchObject({ value: true, reason: 'STATIC' })
  })

  test('say that a provider is stale if it is registered during an outage', async () => {
    const { dict, faulty } = await open()
    faulty.failBefore('changesSince')
    await expect(dict.sync()).rejects.toThrow()
    const { client } = await clientOf(dict)
    await vi.waitFor(() => expect(client.providerStatus).toBe(ProviderStatus.STALE))
  })

  test('do not follow a provider that was closed at once', async () => {
    const { dict, faulty } = await open()
    faulty.failBefore('changesSince')
    await expect(dict.sync()).rejects.toThrow()
    const provider = new DurableDictProvider(dict)
    const stale = vi.fn()
    provider.events.addHandler(ProviderEvents.Stale, stale)
    await provider.initialize()
    await provider.onClose()
    await new Promise(resolve => setImmediate(resolve))
    expect(stale).not.toHaveBeenCalled()
  })

  test('end with the provider, and the dictionary stays open', async () => {
    const { dict } = await open()
    const { client, domain } = await clientOf(dict)
    const changed = vi.fn()
    client.addHandler(ProviderEvents.ConfigurationChanged, changed)
    await dict.set('a', 1)
    expect(changed).toHaveBeenCalledOnce()
    await OpenFeature.setProviderAndWait(domain, new DurableDictProvider((await open()).dict))
    await dict.set('a', 2)
    expect(changed).toHaveBeenCalledOnce()
    expect(await dict.get('a')).toBe(2)
  })
})

describe('a request', () => {
  test('evaluates all its flags in one state, whatever is written meanwhile', async () => {
    const { dict } = await open()
    await dict.update({ one: 'before', other: 'before' })
    const { client } = await clientOf(dict)
    const app = express()
    app.use(freshPerRequest({ flags: dict }))
    app.get('/', async (_request, response) => {
      const one = await client.getStringValue('one', '')
      await dict.update({ one: 'after', other: 'after' })
      response.json([one, await client.getStringValue('other', ''), await client.getStringValue('one', '')])
    })
    const server = app.listen(0)
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const response = await fetch(`http://127.0.0.1:${port}/`)
    expect(await response.json()).toEqual(['before', 'before', 'before'])
    expect(await client.getStringValue('one', '')).toBe('after')
  })
})
