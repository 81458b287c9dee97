import type { Version } from '../contract/backend.js'
import type { Change } from '../dictionary/events.js'
import { DurableDictError } from '../errors/errors.js'
import type { Desk } from './desk.js'
import { inJson } from './values/value-text.js'

/** A change with the texts of its values. */
export interface ShownChange {
  readonly key: string
  readonly before: string | undefined
  readonly after: string | undefined
  /** Version, author, reason and way, as far as they are known. */
  readonly said: { readonly version: Version; readonly by?: string; readonly reason?: string; readonly via?: string }
}

/** As `watch` shows a change. A value that cannot be decoded fails alone. */
export function shownChange({ texts }: Desk, change: Change): ShownChange {
  const { key, version, by, reason, via = 'library' } = change
  const said = { version, ...(by !== undefined && { by }), ...(reason !== undefined && { reason }), via }
  return { key, before: side(() => change.previous), after: side(() => change.value), said }

  function side(read: () => unknown): string | undefined {
    try {
      const value = read()
      return value === undefined ? undefined : texts.textOf(value)
    } catch (error) {
      if (!(error instanceof DurableDictError)) throw error
      return JSON.stringify({ error: error.message })
    }
  }
}

/** One line of JSON. */
export function jsonOf({ key, before, after, said }: ShownChange): string {
  const value = (name: string, text: string | undefined) => (text === undefined ? [] : [`"${name}":${inJson(text)}`])
  const members = [`"key":${JSON.stringify(key)}`, ...value('before', before), ...value('after', after)]
  return `{${members.join(',')},${JSON.stringify(said).slice(1)}`
}

export function lineOf({ key, before = '(absent)', after = '(absent)', said: { by, reason } }: ShownChange): string {
  const who = [by, reason].filter(text => text !== undefined).join(': ')
  return `${new Date().toISOString()}  ${JSON.stringify(key)}: ${before} → ${after}${who === '' ? '' : `  (${who})`}`
}
