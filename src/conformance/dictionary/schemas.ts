import assert from 'node:assert/strict'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidKeyError, InvalidValueError } from '../../errors/errors.js'
import { failure, rejects } from '../expect.js'
import { everyMode, needs, type Topic } from '../suite.js'

/** A handwritten Standard Schema. */
function schema(validate: (value: unknown) => StandardSchemaV1.Result<unknown> | Promise<never>): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'conformance', validate } }
}

const refused = (message: string) => ({ issues: [{ message, path: ['deep', { key: 'down' }] }] })
const number = schema(value => (typeof value === 'number' ? { value } : refused('not a number')))
const text = schema(value => (typeof value === 'string' ? { value } : refused('not a text')))
/** Accepts text and transforms it to a number. */
const length = schema(value => (typeof value === 'string' ? { value: value.length } : refused('not a text')))

export const schemas: Topic = {
  title: 'schema',
  modes: everyMode,
  tests: {
    'one schema validates every value': async world => {
      const dict = await world.open({ schema: number })
      await dict.set('a', 1)
      await dict.update({ b: 2 })
      const error = await rejects(dict.set('a', 'one'), InvalidValueError, 'a')
      assert.match(error.message, /deep\.down: not a number/)
      await rejects(dict.setDefault('c', 'one'), InvalidValueError, 'c')
      await rejects(dict.update({ a: 3, b: 'two' }), InvalidValueError, 'b')
      await dict.sync()
      assert.deepEqual(new Map(dict.local), new Map(Object.entries({ a: 1, b: 2 })))
    },

    'a record of schemas names the keys that can be written': async world => {
      const other = await world.open()
      await other.set('old', true)
      const dict = await world.open({ schema: { n: number, t: text } })
      await dict.update({ n: 1, t: 'a' })
      await rejects(dict.set('n', 'a'), InvalidValueError, 'n')
      await rejects(dict.set('other', 1), InvalidKeyError, 'other')
      await rejects(dict.update({ n: 2, other: 1 }), InvalidKeyError, 'other')
      await rejects(dict.set('constructor', 1), InvalidKeyError, 'constructor')
      assert.equal(await dict.get('old'), true, 'stored entries must stay unchanged')
      assert.equal(await dict.size(), 3)
      assert.equal(await dict.delete('old'), true)
    },

    'a stored value that does not match breaks only its own key': async world => {
      const other = await world.open()
      await other.update({ a: 'text', b: 2 })
      const dict = await world.open({ schema: number })
      const error = await rejects(dict.get('a'), InvalidValueError, 'a')
      assert.equal(error.dictionary, dict.name)
      assert.throws(() => dict.local.get('a'), InvalidValueError)
      assert.equal(await dict.get('b'), 2)
      assert.deepEqual([await dict.has('a'), await dict.size()], [true, 2])
      await rejects(dict.values(), InvalidValueError, 'a')
      await dict.set('a', 1)
      assert.equal(await dict.get('a'), 1)
    },

    'a read returns the output of the schema, which is applied once': async world => {
      const [dict, other] = [await world.open({ schema: length }), await world.open()]
      await dict.set('a', 'four')
      assert.equal(await dict.get('a'), 4)
      assert.equal(await dict.setDefault('a', 'other'), 4)
      await other.sync()
      assert.equal(other.local.get('a'), 'four', 'the written value itself must be stored')
      assert.equal(await dict.pop('a'), 4)
    },

    'defaults must match the schema, which also transforms them': async world => {
      const dict = await world.open({ schema: length, defaults: { a: 'four' } })
      assert.equal(await dict.get('a'), 4)
      const error = await failure(world.open({ schema: number, defaults: { a: 'one' } }))
      assert.ok(error instanceof InvalidValueError)
    },

    'an asynchronous or invalid schema is a TypeError': async world => {
      const slow = await world.open({ schema: schema(async () => assert.fail('called')) })
      assert.ok((await failure(slow.set('a', 1))) instanceof TypeError)
      for (const none of [1, { a: 1 }, { a: undefined }, 'string']) {
        const tap = await world.tap()
        assert.ok((await failure(world.openOn(tap, { schema: none }))) instanceof TypeError)
        assert.equal(tap.count('close'), 1)
      }
    },

    'a transaction validates its writes': needs('commit', async world => {
      const dict = await world.open({ schema: { n: number } })
      await rejects(
        dict.transact(tx => tx.update({ n: 'one' })),
        InvalidValueError,
        'n',
      )
      await rejects(
        dict.transact(tx => tx.set('other', 1)),
        InvalidKeyError,
        'other',
      )
      assert.equal(await dict.size(), 0)
    }),
  },
}
