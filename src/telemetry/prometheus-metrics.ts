import {
  Counter,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  type PrometheusContentType,
  type Registry,
} from 'prom-client'
import type { DiagnosticSubject } from '../diagnostics/messages.js'
import * as all from './metrics.js'
import { type Metric, mapped, NAME, OUTCOME, STORE } from './metrics.js'
import { observe } from './observe.js'
import { readings } from './readings.js'
import { type Labels, Series } from './series.js'

/** A registry of prom-client, for either format. */
export type PrometheusRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>

/** Names and attributes, as the exporters of OpenTelemetry write them for Prometheus. */
const written = (name: string) => name.replaceAll('.', '_')

const [NAME_LABEL, STORE_LABEL, OUTCOME_LABEL] = [NAME, STORE, OUTCOME].map(written) as [string, string, string]

/** How the gauges of the processes of a cluster become one: the worst of them. */
const WORST = { staleness: 'max', limit: 'min', live: 'min', entries: 'max' } as const

/** Adds the metrics to the registry, until the returned function is called. */
export function fill(registry: PrometheusRegistry): () => void {
  const series = new Series()
  const counters = mapped(all.COUNTERS, metric => new Counter(counting(metric, registry, series)))
  const durations = mapped(all.DURATIONS, metric => new Histogram(timing(metric, registry, series)))
  const gauges = mapped(all.GAUGES, (metric, gauge) => new Gauge(reading(metric, registry, gauge)))
  const stop = observe({
    add(counter, subject, increase) {
      if (increase === 0) series.opened(subject)
      counters[counter].inc(series.noted(subject, counters[counter], labelsOf(subject)), increase)
    },
    record(duration, subject, outcome, seconds) {
      const labels = { ...labelsOf(subject), [OUTCOME_LABEL]: outcome }
      durations[duration].observe(series.noted(subject, durations[duration], labels), seconds)
    },
  })
  return () => {
    stop()
    const metrics: object[] = [...Object.values(counters), ...Object.values(durations), ...Object.values(gauges)]
    for (const metric of metrics) registry.removeSingleMetric((metric as { readonly name: string }).name)
  }
}

/** A gauge is read when it is collected. */
function reading(metric: Metric, registry: PrometheusRegistry, gauge: all.Gauge) {
  return {
    ...common(metric, registry),
    aggregator: WORST[gauge],
    collect(this: Gauge) {
      this.reset()
      for (const { values, ...subject } of readings()) {
        const value = values[gauge]
        if (value !== undefined) this.set(labelsOf(subject), value)
      }
    },
  }
}

function counting(metric: Metric, registry: PrometheusRegistry, series: Series) {
  const { name, ...rest } = common(metric, registry)
  // In the OpenMetrics format, prom-client adds the suffix itself.
  const suffix = registry.contentType.startsWith('application/openmetrics-text') ? '' : '_total'
  return { ...rest, name: `${name}${suffix}`, collect: () => series.prune() }
}

function timing(metric: Metric, registry: PrometheusRegistry, series: Series) {
  const { labelNames, ...rest } = common(metric, registry)
  const buckets = [...all.BOUNDARIES]
  return { ...rest, labelNames: [...labelNames, OUTCOME_LABEL], buckets, collect: () => series.prune() }
}

function common({ name, unit, description }: Metric, registry: PrometheusRegistry) {
  const suffix = unit === 's' ? '_seconds' : ''
  return {
    name: `${written(name)}${suffix}`,
    help: description,
    labelNames: [NAME_LABEL, STORE_LABEL],
    registers: [registry],
  }
}

function labelsOf({ name, store }: DiagnosticSubject): Labels {
  return { [NAME_LABEL]: name, [STORE_LABEL]: store }
}
