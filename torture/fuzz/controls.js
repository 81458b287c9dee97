// @ts-check
/** @import { Change } from '../builds.js' */
import { copyOfDist } from '../builds.js'
import { fuzz } from './fuzz.js'

/** How long a control may take until it is caught, in ms. */
const LIMIT = 60_000

/** Programs that run at the same time: most of a program's time is waiting. */
const AT_ONCE = 2

/** A rule of the library, and how to break it. @typedef {{ rule: string, isQuick?: boolean, changes: readonly Change[] }} Control */

/** @type {readonly Control[]} */
export const CONTROLS = [
  {
    rule: 'a read checks the store',
    isQuick: true,
    changes: [{ file: 'dictionary/reads.js', from: 'if (!settings.autosync)', to: 'if (true)' }],
  },
  {
    rule: 'get() checks the clock before it relies on memory',
    changes: [{ file: 'dictionary/reads.js', from: 'now() >= replica.reliance.until', to: 'false' }],
  },
  {
    rule: 'a transaction commits only if what it read is unchanged',
    changes: [
      { file: 'dictionary/transaction.js', from: 'new Set([...this.#read, ...this.#written.keys()])', to: 'new Set()' },
    ],
  },
  {
    rule: 'a transaction reads what it wrote',
    changes: [{ file: 'dictionary/transaction.js', from: 'if (this.#written.has(key))', to: 'if (false)' }],
  },
  {
    rule: 'an update is one commit',
    isQuick: true,
    changes: [
      {
        file: 'dictionary/writes.js',
        from: 'await this.submit({ conditions: [], operations }, terms);',
        to: 'for (const one of operations) await this.submit({ conditions: [], operations: [one] }, terms);',
      },
    ],
  },
  {
    rule: 'setDefault() keeps what is stored',
    changes: [{ file: 'contract/execute-group.js', from: 'target.get(operation.key) ?? set(', to: 'set(' }],
  },
  {
    rule: 'pop() without a fallback rejects with KeyError',
    changes: [{ file: 'dictionary/writes.js', from: 'if (fallback.length > 0)', to: 'if (true)' }],
  },
  {
    rule: 'a write is attributed to its author',
    changes: [
      { file: 'dictionary/history/attribution.js', from: 'by: by ?? fallback.by', to: 'by: fallback.by ?? by' },
    ],
  },
  {
    rule: 'revert() refuses keys that were changed since',
    changes: [{ file: 'dictionary/history/revert.js', from: 'if (changed.length > 0)', to: 'if (false)' }],
  },
  {
    rule: 'at() undoes every later commit',
    changes: [{ file: 'dictionary/history/past-state.js', from: 'newer.slice(start)', to: 'newer.slice(start + 1)' }],
  },
  {
    rule: 'every watcher gets every change',
    changes: [
      {
        file: 'dictionary/watchers.js',
        from: '{ key, stream } of [...this.#watchers]',
        to: '{ key, stream } of [...this.#watchers].slice(-1)',
      },
    ],
  },
  {
    rule: 'an aborted watcher gets nothing more',
    changes: [
      { file: 'dictionary/watchers.js', from: 'if (signal?.aborted)', to: 'if (!signal?.aborted && key === "b")' },
    ],
  },
  {
    rule: 'values are frozen',
    isQuick: true,
    changes: [{ file: 'encodings/freeze.js', from: 'Object.freeze(item);', to: '' }],
  },
  {
    rule: 'a closed dictionary refuses calls',
    changes: [{ file: 'dictionary/gate.js', from: 'if (this.#closed)', to: 'if (false)' }],
  },
  {
    rule: 'strictKeys refuses keys that nothing names',
    changes: [{ file: 'dictionary/keys.js', from: 'if (this.#names && !this.#names.has(key))', to: 'if (false)' }],
  },
  {
    rule: 'a write { everywhere: true } waits for bounded readers',
    changes: [{ file: 'dictionary/everywhere.js', from: 'if (waiting.isOver)', to: 'if (true)' }],
  },
  {
    rule: 'a snapshot does not change',
    changes: [
      {
        file: 'replica/frozen-state.js',
        from: 'this.size = entries.stored.size',
        to: 'this.size = entries.stored.size % 3',
      },
    ],
  },
  {
    rule: 'a snapshot that is kept reads what was overwritten later',
    isQuick: true,
    changes: [
      {
        file: 'replica/frozen-state.js',
        from: 'undoLog = undoLog.later;\n        return',
        to: 'undoLog = undefined;\n        return',
      },
    ],
  },
  {
    rule: 'a derived value is computed again after one of its keys has changed',
    isQuick: true,
    changes: [{ file: 'dictionary/derived.js', from: 'sameStored(form, stored[index])', to: 'true' }],
  },
  {
    rule: 'close() writes the last known file',
    changes: [{ file: 'last-known/recorder.js', from: 'if (this.#isDirty ||', to: 'if (' }],
  },
  {
    rule: 'the policy of the history is recorded',
    changes: [{ file: 'dictionary/assembly.js', from: 'if (settings.history !== undefined &&', to: 'if (false &&' }],
  },
  {
    rule: 'oldEncoding decodes what encoding cannot',
    isQuick: true,
    changes: [
      {
        file: 'dictionary/codec.js',
        from: 'const old = attempt(oldEncoding, stored);\n        if (!old.ok)\n            throw this.#undecodable(key, result.error, old.error);\n        onOld',
        to: 'const old = attempt(encoding, stored);\n        if (!old.ok)\n            throw this.#undecodable(key, result.error, old.error);\n        onOld',
      },
    ],
  },
]

/** Fuzzes a library that breaks the rule, until that is caught. @param {Control} control @param {string} [store] */
export async function perform({ changes }, store = 'memory') {
  const dist = await copyOfDist(changes)
  const start = performance.now()
  const ended = new AbortController()
  try {
    const seeds = Array.from({ length: AT_ONCE }, () => Math.floor(Math.random() * 2 ** 31))
    const found = await Promise.any(
      seeds.map(seed => caught({ dist: dist.folder, store, ms: LIMIT, seed, shrink: false, signal: ended.signal })),
    )
    return { ...found, ms: performance.now() - start }
  } finally {
    ended.abort()
    await dist.remove()
  }
}

/** @param {Parameters<typeof fuzz>[0]} options */
async function caught(options) {
  const found = await fuzz(options)
  if (found.failure) return found
  throw new Error('It was not caught.')
}
