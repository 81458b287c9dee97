import { subscribe } from 'node:diagnostics_channel'
import { ConflictError, DurableDict, DurableDictError, KeyError } from 'durabledict'

/** Uses a dictionary as programs do, and throws if anything differs from the documentation. */
export async function check(dict, kind) {
  const [synced, committed] = [[], []]
  subscribe('durabledict:sync', message => synced.push(message))
  subscribe('tracing:durabledict:commit:asyncEnd', message => committed.push(message))
  await dict.set('theme', 'dark')
  equal(`${synced[0].name} ${synced[0].changes} ${committed[0].outcome}`, `${dict.name} 1 ok`)
  equal(`${dict.health().status} ${dict.stats().commits}`, 'ok 1')
  await dict.update({ perPage: 20, since: new Date(0) })
  equal(await dict.get('theme'), 'dark')
  equal((await dict.get('since')).getTime(), 0)
  equal(dict.local.get('perPage'), 20)
  equal(dict instanceof DurableDict && dict instanceof kind, true)
  const error = await dict.getOrThrow('missing').catch(error => error)
  equal(error instanceof KeyError && error instanceof DurableDictError && !(error instanceof ConflictError), true)
  equal(`${error.name} ${error.code}`, 'KeyError DURABLEDICT_KEY')
  equal(error.stack.includes('KeyError'), true)
  await dict.close()
}

export function equal(actual, expected) {
  if (actual !== expected) throw new Error(`expected ${expected}, got ${actual}`)
}

/** Prints what the tests wait for, and otherwise exits with an error. */
export function run(main) {
  main().then(
    () => console.log('ok'),
    error => {
      console.error(error)
      process.exit(1)
    },
  )
}
