import type { Client } from '@openfeature/server-sdk'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryDict } from '../../../src/memory.js'
import { clientOf, evaluate, FLAGS, type Type } from './flags.js'

// The scenarios of the OpenFeature specification, by their names: assets/gherkin/evaluation.feature.
const dict = await MemoryDict.open(undefined)
await dict.update(FLAGS)
afterAll(() => dict.close())

let client: Client
beforeEach(async () => {
  client = (await clientOf(dict)).client
})

describe('Flag evaluation', () => {
  test('Resolves boolean value', async () => {
    expect(await client.getBooleanValue('boolean-flag', false)).toBe(true)
  })

  test('Resolves string value', async () => {
    expect(await client.getStringValue('string-flag', 'bye')).toBe('hi')
  })

  test('Resolves integer value', async () => {
    expect(await client.getNumberValue('integer-flag', 1)).toBe(10)
  })

  test('Resolves float value', async () => {
    expect(await client.getNumberValue('float-flag', 0.1)).toBe(0.5)
  })

  test('Resolves object value', async () => {
    const expected = { showImages: true, title: 'Check out these pics!', imagesPerPage: 100 }
    expect(await client.getObjectValue('object-flag', null)).toEqual(expected)
  })

  test.each([
    ['boolean', 'Boolean', 'boolean-flag', false, true, 'on'],
    ['string', 'String', 'string-flag', 'bye', 'hi', 'greeting'],
    ['integer', 'Integer', 'integer-flag', 1, 10, 'ten'],
    ['float', 'Float', 'float-flag', 0.1, 0.5, 'half'],
  ] as const)('Resolves %s details', async (_name, type, key, fallback, value, variant) => {
    expect(await evaluate(client, type, key, fallback)).toMatchObject({ value, variant, reason: 'STATIC' })
  })

  test('Resolves object details', async () => {
    const value = { showImages: true, title: 'Check out these pics!', imagesPerPage: 100 }
    const details = await client.getObjectDetails('object-flag', null)
    expect(details).toMatchObject({ value, variant: 'template', reason: 'STATIC' })
  })

  test('Resolves based on context', async () => {
    const context = { fn: 'Sulisław', ln: 'Świętopełk', age: 29, customer: false }
    expect(await client.getStringValue('context-aware', 'EXTERNAL', context)).toBe('INTERNAL')
    expect(await client.getStringValue('context-aware', 'EXTERNAL', {})).toBe('EXTERNAL')
  })

  test('Flag not found', async () => {
    const expected = { value: 'uh-oh', reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' }
    expect(await client.getStringDetails('missing-flag', 'uh-oh')).toMatchObject(expected)
  })

  test('Type error', async () => {
    const expected = { value: 13, reason: 'ERROR', errorCode: 'TYPE_MISMATCH' }
    expect(await client.getNumberDetails('wrong-flag', 13)).toMatchObject(expected)
  })
})

// Of evaluation_v2.feature and of the kit for providers, those that concern a provider. There is no scenario "CACHED reason",
// because the provider caches nothing, and none about integers and floats, because the SDK has one type of number.
const ZEROS = [
  ['Boolean', 'boolean', true, false],
  ['String', 'string', 'hi', ''],
  ['Integer', 'integer', 1, 0],
  ['Float', 'float', 0.1, 0],
  ['Object', 'object', { a: 1 }, {}],
] as const

describe('Flag Evaluations - Complete OpenFeature Specification Coverage', () => {
  test.each(ZEROS)('Resolves zero value: %s', async (type, name, fallback, value) => {
    const details = await evaluate(client, type, `${name}-zero-flag`, fallback)
    expect(details).toMatchObject({ value, reason: 'STATIC' })
    expect(details.errorMessage).toBeUndefined()
  })

  test.each(ZEROS)('Resolves zero value with targeting: %s', async (type, name, fallback, value) => {
    const details = await evaluate(client, type, `${name}-targeted-zero-flag`, fallback, {
      email: 'ballmer@macrosoft.com',
    })
    expect(details).toMatchObject({ value, reason: 'TARGETING_MATCH' })
  })

  test.each(ZEROS)('Resolves zero value with targeting using default: %s', async (type, name, fallback, value) => {
    const details = await evaluate(client, type, `${name}-targeted-zero-flag`, fallback, { email: 'ballmer@none.com' })
    expect(details).toMatchObject({ value, reason: 'DEFAULT' })
  })

  test.each(ZEROS)('Empty evaluation context: %s', async (type, name, fallback, value) => {
    const details = await evaluate(client, type, `${name}-targeted-zero-flag`, fallback)
    expect(details).toMatchObject({ value, reason: 'DEFAULT' })
  })

  test.each(ZEROS)('Null context values: %s', async (type, name, fallback, value) => {
    const details = await evaluate(client, type, `${name}-targeted-zero-flag`, fallback, { email: null })
    expect(details).toMatchObject({ value, reason: 'DEFAULT' })
  })

  test.each(ZEROS)('Flag not found error: %s', async (type, _name, fallback) => {
    const details = await evaluate(client, type, 'non-existent-flag', fallback)
    expect(details).toMatchObject({ value: fallback, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' })
  })

  test.each([
    ['string-flag', 'Boolean', false],
    ['string-flag', 'Integer', 1],
    ['string-flag', 'Object', {}],
    ['wrong-flag', 'Boolean', false],
    ['boolean-flag', 'String', 'fallback'],
    ['boolean-flag', 'Float', 0.1],
    ['integer-flag', 'Boolean', false],
    ['float-flag', 'String', 'fallback'],
    ['object-flag', 'Boolean', false],
    ['object-flag', 'String', 'fallback'],
    ['object-flag', 'Integer', 1],
  ] as const)('Type mismatch error: %s as %s', async (key, type: Type, fallback) => {
    const details = await evaluate(client, type, key, fallback)
    expect(details).toMatchObject({ value: fallback, reason: 'ERROR', errorCode: 'TYPE_MISMATCH' })
  })

  test('Flag metadata in evaluation details', async () => {
    const { flagMetadata } = await client.getBooleanDetails('metadata-flag', true)
    expect(flagMetadata).toMatchObject({ string: '1.0.2', integer: 2, float: 0.1, boolean: true })
  })

  test('Multiple context attributes targeting', async () => {
    const context = { email: 'ballmer@macrosoft.com', role: 'admin', age: 65, customer: false }
    const details = await client.getStringDetails('context-aware', 'false', context)
    expect(details).toMatchObject({ value: 'INTERNAL', reason: 'TARGETING_MATCH' })
  })

  test('Error message in evaluation details', async () => {
    const { reason, errorMessage } = await client.getBooleanDetails('error-flag', false)
    expect(reason).toBe('ERROR')
    expect(errorMessage).toContain('flag error-flag not found')
  })

  test.each([
    ['Boolean', 'disabled-boolean-flag', false],
    ['String', 'disabled-string-flag', 'bye'],
    ['Integer', 'disabled-integer-flag', 1],
    ['Float', 'disabled-float-flag', 0.1],
  ] as const)('DISABLED reason: %s', async (type, key, fallback) => {
    const details = await evaluate(client, type, key, fallback)
    expect(details).toMatchObject({ value: fallback, reason: 'DISABLED' })
    expect(details.errorCode).toBeUndefined()
  })
})

describe('Provider flag evaluation', () => {
  test.each([
    ['large-integer-flag', 2_147_483_647],
    ['huge-integer-flag', 9_007_199_254_740_991],
  ])('A large integer resolves without loss of precision: %s', async (key, value) => {
    expect(await client.getNumberDetails(key, 1)).toMatchObject({ value, reason: 'STATIC' })
  })

  test.each([
    [
      'A matching evaluation context resolves the targeted variant',
      { targetingKey: '5c3d8535-f81a-4478-a6d3-afaa4d51199e' },
      'hit',
    ],
    [
      'A non-matching evaluation context resolves the default variant',
      { targetingKey: 'f20bd32d-703b-48b6-bc8e-79d53c85134a' },
      'miss',
    ],
    ['No evaluation context resolves the default variant', {}, 'miss'],
  ])('%s', async (_name, context, value) => {
    expect(await client.getStringValue('targeting-key-flag', 'fallback', context)).toBe(value)
  })
})
