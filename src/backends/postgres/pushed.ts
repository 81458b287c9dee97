import type { Change } from '../../contract/backend.js'
import { toCount } from '../sql/stored-tokens.js'
import { toVersion } from '../sql/version.js'
import { readPast } from './answers.js'
import type { Stored } from './stored-form.js'

/** Reads the change in a notification; `undefined` if it has none, so that the store has to be asked. */
export function readPushed(payload: string, epoch: string, unsafe: RegExp): Change<Stored> | undefined {
  const [count, nonce, previous] = recordIn(payload) ?? []
  const number = toCount(count)
  if (number === undefined || typeof nonce !== 'string' || typeof previous !== 'string') return undefined
  const head = { number, epoch, nonce, version: toVersion(number, epoch, nonce), bound: 0 }
  const past = readPast(payload, toVersion(number - 1, epoch, previous), head, unsafe)
  const change = past.type === 'changes' ? past.changes[0] : undefined
  return change?.effects === undefined ? undefined : (change as Change<Stored>)
}

/** The only record of a list like that of `durabledict_since_1`. */
function recordIn(payload: string): readonly unknown[] | undefined {
  if (payload === '') return undefined
  try {
    const list: unknown = JSON.parse(payload)
    const [record] = Array.isArray(list) && list.length === 1 ? list : []
    return Array.isArray(record) ? record : undefined
  } catch {
    return undefined
  }
}
