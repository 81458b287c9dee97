import type { DiagnosticSubject } from '../diagnostics/messages.js'
import { openDictionaries } from '../diagnostics/open-dictionaries.js'
import type { Gauge } from './metrics.js'

/** What the gauges show of the open dictionaries with one name and store. */
export interface Reading extends DiagnosticSubject {
  /** In units of the metrics. A gauge that does not apply is left out. */
  readonly values: { readonly [G in Gauge]?: number }
}

/** Reads all open dictionaries. Those with the same name and store are one reading, of the worst of them. */
export function readings(): Reading[] {
  const merged = new Map<string, Reading>()
  for (const dictionary of openDictionaries()) {
    const { name, store } = dictionary
    const [ms, limit] = [dictionary.staleness(), dictionary.limit()]
    const values = {
      staleness: ms / 1_000,
      ...(limit !== undefined && { limit: limit / 1_000 }),
      live: limit !== undefined && ms <= limit ? 1 : 0,
      entries: dictionary.entries(),
    }
    const key = keyOf({ name, store })
    const other = merged.get(key)
    merged.set(key, { name, store, values: other ? worse(other.values, values) : values })
  }
  return [...merged.values()]
}

/** Identifies a name and store. */
export function keyOf({ name, store }: DiagnosticSubject): string {
  return JSON.stringify([name, store])
}

function worse(one: Reading['values'], other: Reading['values']): Reading['values'] {
  const values = { ...one }
  for (const [gauge, value] of Object.entries(other) as [Gauge, number][]) {
    const known = values[gauge] ?? value
    values[gauge] = gauge === 'live' || gauge === 'limit' ? Math.min(known, value) : Math.max(known, value)
  }
  return values
}
