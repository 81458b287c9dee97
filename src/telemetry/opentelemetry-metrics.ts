import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { DiagnosticSubject } from '../diagnostics/messages.js'
import {
  BOUNDARIES,
  COUNTERS,
  DURATIONS,
  GAUGES,
  type Gauge,
  type Metric,
  mapped,
  NAME,
  OUTCOME,
  STORE,
} from './metrics.js'
import { observe } from './observe.js'
import { readings } from './readings.js'

/** Fills the meter, until the returned function is called. */
export function measure(meter: Meter): () => void {
  const stops = [observeOpen(meter), record(meter)]
  return () => {
    for (const stop of stops) stop()
  }
}

/** The gauges. They are read when the SDK collects, so a closed dictionary disappears. */
function observeOpen(meter: Meter): () => void {
  const gauges = mapped(GAUGES, metric => meter.createObservableGauge(metric.name, optionsOf(metric)))
  const callback = (result: BatchObservableResult) => {
    for (const { values, ...subject } of readings()) {
      const attributes = attributesOf(subject)
      for (const [gauge, value] of Object.entries(values)) result.observe(gauges[gauge as Gauge], value, attributes)
    }
  }
  const observables: Observable[] = Object.values(gauges)
  meter.addBatchObservableCallback(callback, observables)
  return () => meter.removeBatchObservableCallback(callback, observables)
}

function record(meter: Meter): () => void {
  const advice = { explicitBucketBoundaries: [...BOUNDARIES] }
  const durations = mapped(DURATIONS, metric => meter.createHistogram(metric.name, { ...optionsOf(metric), advice }))
  const counters = mapped(COUNTERS, metric => meter.createCounter(metric.name, optionsOf(metric)))
  return observe({
    record: (duration, subject, outcome, seconds) =>
      durations[duration].record(seconds, { ...attributesOf(subject), [OUTCOME]: outcome }),
    add: (counter, subject, increase) => counters[counter].add(increase, attributesOf(subject)),
  })
}

export function attributesOf({ name, store }: DiagnosticSubject): Attributes {
  return { [NAME]: name, [STORE]: store }
}

function optionsOf({ unit, description }: Metric): { unit: string; description: string } {
  return { unit: unit ?? '', description }
}
