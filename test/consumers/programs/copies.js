import { createRequire } from 'node:module'
import * as esm from 'durabledict'
import { freshPerRequest } from 'durabledict/express'
import { equal, run } from './check.js'

const require = createRequire(import.meta.url)
const cjs = require('durabledict')
const express = require('durabledict/express')

run(async () => {
  equal(esm.DurableDict === cjs.DurableDict, false)
  for (const [one, other, middleware] of [
    [esm, cjs, express.freshPerRequest],
    [cjs, esm, freshPerRequest],
  ]) {
    const store = new one.MemoryStore()
    const dict = await one.MemoryDict.open(store)
    equal(dict instanceof other.DurableDict && dict instanceof other.MemoryDict, true)
    equal(dict instanceof other.RedisDict, false)
    const same = await other.MemoryDict.open(store)
    await dict.set('theme', 'dark')
    equal(await same.get('theme'), 'dark')
    const error = await dict.getOrThrow('missing').catch(error => error)
    equal(error instanceof other.KeyError && error instanceof other.DurableDictError, true)
    equal(error instanceof other.ConflictError, false)
    class Special extends other.KeyError {}
    equal(error instanceof Special, false)
    equal(new Special('special') instanceof one.KeyError, true)
    equal(new Special('special').name, 'Special')
    await inRequest(middleware, dict)
    await dict.close()
    await same.close()
  }
})

/** The middleware of one copy takes a request's snapshot, and the dictionary of the other copy finds it. */
async function inRequest(middleware, dict) {
  const [request, response] = [{ method: 'GET' }, { writableFinished: false, on() {}, once() {} }]
  await new Promise((resolve, reject) => {
    middleware({ dict })(request, response, error => {
      if (error) return reject(error)
      void dict
        .set('theme', 'light')
        .then(() => equal(dict.current().get('theme'), 'dark'))
        .then(resolve, reject)
    })
  })
}
