// @ts-check
// The suite under `node --test`, as a stranger would run it: on the built package, with a backend of his own.
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { conformance } from 'durabledict/conformance'

const reason = 'four methods in twenty lines'

conformance(
  { describe, test },
  {
    name: 'a backend of four methods',
    missing: {
      commit: reason,
      changesSince: reason,
      load: reason,
      subscribe: reason,
      pop: reason,
      setDefault: reason,
      registerMaxStaleness: reason,
      history: reason,
      presence: reason,
      bytes: reason,
    },
    modes: process.env.TEST_FORM === 'long' ? [{ autosync: true }, { live: true, autosync: false }] : [],
    create() {
      /** @type {Map<string, string>} */
      const entries = new Map()
      let version = randomUUID()
      const backend = () => ({
        pollEvery: 5,
        async persist(/** @type {string} */ key, /** @type {string} */ stored) {
          entries.set(key, stored)
          version = randomUUID()
        },
        async depersist(/** @type {string} */ key) {
          if (!entries.delete(key)) return false
          version = randomUUID()
          return true
        },
        durables: async () => new Map(entries),
        lastUpdated: async () => version,
      })
      return { backend, dispose() {} }
    },
  },
)
