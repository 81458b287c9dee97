import type { DiagnosticSubject } from '../diagnostics/messages.js'
import { openDictionaries } from '../diagnostics/open-dictionaries.js'
import { keyOf } from './readings.js'

export type Labels = Record<string, string>

/** A metric whose series can be removed. */
interface Removable {
  remove(labels: Labels): void
}

/** The series of counters and histograms, so that those of closed dictionaries disappear instead of piling up. */
export class Series {
  readonly #noted = new Map<string, Map<Removable, Map<string, Labels>>>()
  readonly #opened = new Set<string>()

  /** From now on the series of this name and store disappear when no dictionary with them is open. */
  opened(subject: DiagnosticSubject): void {
    this.#opened.add(keyOf(subject))
  }

  /** Remembers that the metric has a series with these labels. Returns the labels. */
  noted(subject: DiagnosticSubject, metric: Removable, labels: Labels): Labels {
    const key = keyOf(subject)
    const metrics = this.#noted.get(key) ?? new Map<Removable, Map<string, Labels>>()
    const series = metrics.get(metric) ?? new Map<string, Labels>()
    this.#noted.set(key, metrics.set(metric, series.set(JSON.stringify(labels), labels)))
    return labels
  }

  /** Removes the series of dictionaries that were closed. */
  prune(): void {
    const open = new Set(openDictionaries().map(keyOf))
    for (const key of this.#opened) if (!open.has(key)) this.#remove(key)
  }

  #remove(key: string): void {
    this.#opened.delete(key)
    for (const [metric, series] of this.#noted.get(key) ?? []) {
      for (const labels of series.values()) metric.remove(labels)
    }
    this.#noted.delete(key)
  }
}
