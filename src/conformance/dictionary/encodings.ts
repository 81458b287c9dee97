import assert from 'node:assert/strict'
import type { Encoding } from '../../encodings/encoding.js'
import { NoOpEncoding } from '../../encodings/noop-encoding.js'
import { DecodingError, EncodingError, HistoryError, UnsupportedError } from '../../errors/errors.js'
import { failure, rejects, rejectsMisuse } from '../expect.js'
import { storedIn, turn } from '../samples.js'
import { everyMode, lacks, needs, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

/** An encoding to text that starts with its own mark. */
function marked(mark: string): Encoding {
  return {
    name: `${mark}Encoding`,
    encode: value => `${mark}:${JSON.stringify(value)}`,
    decode(stored) {
      if (!stored.startsWith(`${mark}:`)) throw new Error(`no ${mark}`)
      return JSON.parse(stored.slice(mark.length + 1))
    },
  }
}

const [OLD, NEW] = [marked('old'), marked('new')]

const bytes: Encoding<Uint8Array> = {
  name: 'BytesEncoding',
  encode: value => new TextEncoder().encode(JSON.stringify(value)),
  decode: stored => JSON.parse(new TextDecoder().decode(stored)),
}

async function withOldValues(world: World): Promise<void> {
  const dict = await world.open({ encoding: OLD })
  await dict.update({ a: 1, b: 2, c: 3 })
  await dict.close()
}

const GARBAGE = 'no encoding makes this'

/** Waits until memory takes another step. */
function stepped(world: World, dict: Dict): Promise<void> {
  const { version } = dict
  return world.until(dict, () => !Object.is(dict.version, version))
}

export const encodings: Topic = {
  title: 'encodings',
  modes: everyMode,
  tests: {
    'a value that cannot be decoded breaks only reads of its own key': async world => {
      const [raw, writer] = [await world.backend(), await world.open()]
      await writer.set('good', 1)
      await raw.persist('bad', GARBAGE)
      const dict = await world.open()
      const error = await rejects(dict.get('bad'), DecodingError, 'bad')
      assert.equal(error.dictionary, dict.name)
      assert.match(error.message, /"bad".*RichEncoding/)
      assert.ok(error.cause)
      assert.throws(() => dict.local.get('bad'), DecodingError)
      await rejects(dict.getOrThrow('bad'), DecodingError, 'bad')
      await rejects(dict.values(), DecodingError, 'bad')
      assert.deepEqual([await dict.get('good'), await dict.has('bad'), await dict.size()], [1, true, 2])
      const snapshot = await dict.snapshot()
      assert.equal(snapshot.get('good'), 1)
      assert.throws(() => snapshot.get('bad'), DecodingError)
      await dict.set('bad', 2)
      assert.equal(await dict.get('bad'), 2)
    },

    'a value that becomes undecodable later breaks only its own key and can be removed': async world => {
      const [raw, dict] = [await world.backend(), await world.open()]
      await dict.update({ a: 1, b: 2 })
      await raw.persist('a', GARBAGE)
      await world.see(dict, () => dict.local.has('a'))
      await dict.sync()
      await rejects(dict.get('a'), DecodingError, 'a')
      assert.equal(await dict.get('b'), 2)
      assert.equal(await dict.delete('a'), true)
      assert.equal(await dict.get('a'), undefined)
    },

    'a custom encoding can be passed as an object or a class': async world => {
      class Own {
        name = 'Own'
        encode = NEW.encode
        decode = NEW.decode as (stored: string) => unknown
      }
      const [dict, other] = [await world.open({ encoding: NEW }), await world.open({ encoding: Own })]
      await dict.set('a', [1])
      await world.see(other, () => other.local.has('a'))
      assert.deepEqual(await other.get('a'), [1])
      assert.equal(await storedIn(await world.backend(), 'a'), 'new:[1]')
    },

    'an encoding that returns undefined makes the write or the read reject': async world => {
      const nothing = { name: 'Nothing', encode: () => undefined as never, decode: () => undefined }
      const dict = await world.open({ encoding: nothing })
      await rejects(dict.set('a', 1), EncodingError, 'a')
      await (await world.backend()).persist('a', '1')
      await dict.sync()
      await rejects(dict.get('a'), DecodingError, 'a')
    },

    'a value in the history that is of another encoding breaks only itself': needs('history', async world => {
      await withOldValues(world)
      const dict = await world.open({ encoding: NEW })
      await dict.update({ a: 'new', b: 'new' }, { by: 'ada' })
      const [newest, oldest, ...rest] = await dict.history().toArray()
      assert.deepEqual([newest?.by, newest?.changes.length, oldest?.changes.length, rest], ['ada', 2, 3, []])
      for (const change of newest?.changes ?? []) {
        assert.equal(change.after, 'new')
        assert.throws(() => change.before, DecodingError)
      }
      for (const change of oldest?.changes ?? []) assert.throws(() => change.after, DecodingError)
      const past = await dict.at(oldest?.id as string)
      assert.equal(past.size, 3)
      assert.throws(() => past.get('a'), DecodingError)
      await rejects(dict.revert(newest?.id as string), HistoryError)
      await dict.revert(newest?.id as string, { force: true })
      await rejects(dict.get('a'), DecodingError, 'a')
    }),

    'an invalid encoding is a TypeError': async world => {
      for (const none of [1, null, {}, { encode() {} }]) await rejectsMisuse(world.open({ encoding: none as never }))
    },

    'bytes are stored without loss': needs('bytes', async world => {
      const [dict, other] = [await world.open({ encoding: bytes }), await world.open({ encoding: bytes })]
      await dict.update({ a: 'ä', b: null })
      await world.see(other, () => other.local.size === 2)
      assert.deepEqual([await other.get('a'), await other.get('b')], ['ä', null])
      assert.equal(await other.setDefault('a', 1), 'ä')
      assert.equal(await other.pop('a'), 'ä')
    }),

    'an encoding to bytes makes the write reject if the store cannot hold bytes': lacks('bytes', async world => {
      if ((await world.backend()).valueKind === undefined) return
      const dict = await world.open({ encoding: bytes })
      await rejects(dict.set('a', 'ä'), EncodingError, 'a')
      assert.equal(await dict.size(), 0)
    }),

    'an encoding that passes values through needs a store inside this process': async world => {
      const tap = await world.tap()
      if (tap.backend.valueKind === 'references') {
        const [dict, mine] = [await world.openOn(tap, { encoding: NoOpEncoding }), { fn: () => {} }]
        await dict.set('a', mine)
        return assert.equal(await dict.get('a'), mine)
      }
      await rejects(world.openOn(tap, { encoding: NoOpEncoding }), UnsupportedError)
      assert.equal(tap.count('close'), 1)
    },

    'values of the old encoding are readable': async world => {
      await withOldValues(world)
      const dict = await world.open({ encoding: NEW, oldEncoding: OLD })
      assert.deepEqual([await dict.get('a'), await dict.values()], [1, [1, 2, 3]])
      await (await world.backend()).persist('d', GARBAGE)
      await dict.sync()
      const error = await rejects(dict.get('d'), DecodingError, 'd')
      assert.match(error.message, /newEncoding.*oldEncoding/)
    },

    'a value of the old encoding is rewritten with the new one after a read': needs('commit', async world => {
      await withOldValues(world)
      const [dict, raw] = [await world.open({ encoding: NEW, oldEncoding: OLD }), await world.backend()]
      const next = stepped(world, dict)
      assert.equal(await dict.get('a'), 1)
      await next
      assert.equal(await storedIn(raw, 'a'), 'new:1')
      assert.equal(await storedIn(raw, 'b'), 'old:2')
    }),

    'reencode() rewrites the remaining values and returns their number': needs('commit', async world => {
      await withOldValues(world)
      const [dict, raw] = [await world.open({ encoding: NEW, oldEncoding: OLD }), await world.backend()]
      await raw.persist('d', GARBAGE)
      await dict.set('e', 5)
      assert.equal(await dict.reencode(), 3)
      for (const [key, stored] of Object.entries({ a: 'new:1', b: 'new:2', c: 'new:3', d: GARBAGE, e: 'new:5' })) {
        assert.equal(await storedIn(raw, key), stored)
      }
      assert.equal(await dict.reencode(), 0)
      assert.equal(await (await world.open({ encoding: NEW })).get('b'), 2)
    }),

    'reencode() loses no concurrent write': needs('commit', async world => {
      await withOldValues(world)
      const [tap, raw] = [await world.tap(), await world.backend()]
      const dict = await world.openOn(tap, { encoding: NEW, oldEncoding: OLD })
      const theirs = [() => raw.persist('a', 'new:"theirs"'), () => raw.depersist('b'), () => raw.persist('c', 'old:9')]
      tap.intercept('commit', async (proceed, ...args) => {
        await theirs.shift()?.()
        return proceed(...args)
      })
      await dict.reencode()
      tap.heal()
      await dict.reencode()
      for (const write of theirs) await write()
      await dict.reencode()
      assert.equal(await storedIn(raw, 'a'), 'new:"theirs"')
      assert.equal(await storedIn(raw, 'b'), undefined)
      assert.equal(await storedIn(raw, 'c'), 'new:9')
    }),

    'nothing is rewritten without commit()': lacks('commit', async world => {
      await withOldValues(world)
      const [tap, raw] = [await world.tap(), await world.backend()]
      const dict = await world.openOn(tap, { encoding: NEW, oldEncoding: OLD })
      assert.equal(await dict.get('a'), 1)
      assert.ok((await failure(dict.reencode())) instanceof UnsupportedError)
      assert.equal(tap.count('persist'), 0)
      assert.equal(await storedIn(raw, 'a'), 'old:1')
    }),

    'nothing is rewritten after close()': async world => {
      await withOldValues(world)
      const tap = await world.tap()
      const dict = await world.openOn(tap, { encoding: NEW, oldEncoding: OLD })
      await dict.close()
      assert.equal(dict.local.get('a'), 1)
      await turn()
      assert.equal(tap.calls.at(-1)?.method, 'close')
    },
  },
}
