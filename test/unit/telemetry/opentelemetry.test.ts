import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { MemoryDict } from '../../../src/memory.js'
import { instrument } from '../../../src/opentelemetry.js'
import { haveTrouble, openNamed } from './subjects.js'

function startSdk(temporality = AggregationTemporality.CUMULATIVE) {
  const exporter = new InMemoryMetricExporter(temporality)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const spans = new InMemorySpanExporter()
  const meterProvider = new MeterProvider({ readers: [reader] })
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
  onTestFinished(() => Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()]) as never)
  const collect = async () => {
    exporter.reset()
    await meterProvider.forceFlush()
    return exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  }
  return { providers: { meterProvider, tracerProvider }, collect, spans, tracer: tracerProvider.getTracer('test') }
}

function start(temporality?: AggregationTemporality) {
  const sdk = startSdk(temporality)
  const stop = instrument(sdk.providers)
  onTestFinished(stop)
  return { ...sdk, stop }
}

type Points = Awaited<ReturnType<ReturnType<typeof startSdk>['collect']>>

/** The values of a metric, by its attributes. */
function valuesOf(metrics: Points, name: string) {
  const points = (metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []) as DataPoint<
    number | Histogram
  >[]
  return points.map(({ attributes, value }) => [attributes, typeof value === 'number' ? value : value.count] as const)
}

describe('the metrics', () => {
  test('have the names, units and attributes of the documentation, and no key or value', async () => {
    const { collect } = start()
    const subject = await openNamed('settings', { live: true })
    await subject.dict.set('SECRETKEY', 'SECRETVALUE')
    await haveTrouble(subject)
    const metrics = await collect()
    const units = metrics.map(({ descriptor }) => [descriptor.name, descriptor.unit])
    expect(Object.fromEntries(units)).toEqual({
      'durabledict.staleness': 's',
      'durabledict.staleness.limit': 's',
      'durabledict.live': '',
      'durabledict.entries': '{entry}',
      'durabledict.check.duration': 's',
      'durabledict.load.duration': 's',
      'durabledict.commit.duration': 's',
      'durabledict.changes': '{change}',
      'durabledict.divergences': '{divergence}',
      'durabledict.conflicts': '{conflict}',
    })
    expect(JSON.stringify(metrics)).not.toContain('SECRET')
    const attributes = new Set(
      metrics.flatMap(({ dataPoints }) => dataPoints.flatMap(one => Object.keys(one.attributes))),
    )
    expect([...attributes].sort()).toEqual(['durabledict.name', 'durabledict.outcome', 'durabledict.store'])
  })

  test('count what happened, by outcome', async () => {
    const { collect } = start()
    const subject = await openNamed('settings')
    await subject.dict.update({ SECRETKEY: 1, other: 2 })
    await haveTrouble(subject)
    const metrics = await collect()
    const settings = { 'durabledict.name': 'settings', 'durabledict.store': 'memory' }
    const of = (name: string) => valuesOf(metrics, name).filter(([one]) => one['durabledict.name'] === 'settings')
    const by = (outcome: string) => ({ ...settings, 'durabledict.outcome': outcome })
    expect(of('durabledict.changes')).toEqual([[settings, 3]])
    expect(of('durabledict.divergences')).toEqual([[settings, 1]])
    expect(of('durabledict.conflicts')).toEqual([[settings, 1]])
    expect(of('durabledict.load.duration')).toEqual([[by('ok'), 3]])
    expect(of('durabledict.commit.duration')).toEqual([
      [by('ok'), 1],
      [by('conflict'), 1],
    ])
    expect(of('durabledict.check.duration')).toEqual([
      [by('DURABLEDICT_STORE_UNAVAILABLE'), 1],
      [by('ok'), 3],
    ])
    expect(of('durabledict.entries')).toEqual([[settings, 2]])
  })

  test('measure in seconds, with boundaries below a millisecond', async () => {
    const { collect } = start()
    const { dict } = await openNamed('settings')
    await dict.sync()
    const [metric] = (await collect()).filter(({ descriptor }) => descriptor.name === 'durabledict.check.duration')
    const value = metric?.dataPoints[0]?.value as Histogram | undefined
    expect(value?.buckets.boundaries[0]).toBe(0.0001)
    expect(value?.sum).toBeLessThan(1)
  })

  test('show a live dictionary as live until it is stale, and again when it is fresh', async () => {
    const { collect } = start()
    const { dict, faulty } = await openNamed('settings', { live: true, maxStaleness: 100 })
    const live = async () =>
      valuesOf(await collect(), 'durabledict.live').find(([one]) => one['durabledict.name'] === 'settings')?.[1]
    const event = (name: 'stale' | 'fresh') => new Promise(resolve => void dict.on(name, resolve))
    expect(valuesOf(await collect(), 'durabledict.staleness.limit').map(([, value]) => value)).toEqual([0.1])
    const [stale, fresh] = [event('stale'), event('fresh')]
    faulty.failBefore('changesSince')
    await stale
    expect(await live()).toBe(0)
    faulty.heal()
    await fresh
    expect(await live()).toBe(1)
  })

  // With cumulative temporality, the SDK itself repeats what was observed last: open-telemetry/opentelemetry-js#4096.
  test('of a closed dictionary disappear from the gauges', async () => {
    const { collect } = start(AggregationTemporality.DELTA)
    const one = await openNamed('one')
    await openNamed('other')
    const names = async () => valuesOf(await collect(), 'durabledict.entries').map(([one]) => one['durabledict.name'])
    expect(await names()).toEqual(expect.arrayContaining(['one', 'other']))
    await one.dict.close()
    expect(await names()).not.toContain('one')
    expect(await names()).toContain('other')
  })

  test('count once, even if two copies of the library instrument the same provider', async () => {
    const { providers, collect, stop } = start()
    vi.resetModules()
    const copy = await import('../../../src/opentelemetry.js')
    expect(copy.instrument).not.toBe(instrument)
    const stopCopy = copy.instrument(providers)
    onTestFinished(stopCopy)
    const dict = await MemoryDict.open()
    await dict.set('a', 1)
    const changes = async () => valuesOf(await collect(), 'durabledict.changes').map(([, value]) => value)
    expect(await changes()).toEqual([1])
    stop()
    await dict.set('a', 2)
    expect(await changes()).toEqual([2])
    stopCopy()
    await dict.set('a', 3)
    expect(await changes()).toEqual([2])
    await dict.close()
  })
})

/** Keeps the active span across waits, as the SDK for Node.js does. */
class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()
  active = () => this.#storage.getStore() ?? ROOT_CONTEXT
  with = ((active: Context, work: (...args: unknown[]) => unknown, self: unknown, ...args: unknown[]) =>
    this.#storage.run(active, () => work.apply(self, args))) as ContextManager['with']
  bind = <T>(_active: Context, target: T) => target
  enable = () => this
  disable = () => this
}

describe('the spans', () => {
  beforeAll(() => void context.setGlobalContextManager(new Contexts()))
  afterAll(() => context.disable())

  const parents = (spans: readonly ReadableSpan[]) => {
    const names = new Map(spans.map(span => [span.spanContext().spanId, span.name]))
    return spans.map(({ name, parentSpanContext }) => [name, names.get(parentSpanContext?.spanId ?? '')])
  }

  test('of an operation are children of the span around the call, and contain no key or value', async () => {
    const { spans, tracer } = start()
    const { dict, faulty } = await openNamed('settings')
    spans.reset()
    const root = tracer.startSpan('request')
    await context.with(trace.setSpan(context.active(), root), async () => {
      faulty.intercept('changesSince', () => ({ type: 'tooOld', diverged: false }))
      await dict.get('SECRETKEY')
      await dict.set('SECRETKEY', 'SECRETVALUE')
    })
    root.end()
    const finished = spans.getFinishedSpans()
    expect(parents(finished)).toEqual([
      ['durabledict.load', 'durabledict.check'],
      ['durabledict.check', 'request'],
      ['durabledict.commit', 'request'],
      ['request', undefined],
    ])
    expect(finished[2]?.attributes).toEqual({
      'durabledict.name': 'settings',
      'durabledict.store': 'memory',
      'durabledict.outcome': 'ok',
      'durabledict.operations': 1,
    })
    expect(
      finished.map(({ attributes, status, events }) => JSON.stringify([attributes, status, events])).join(),
    ).not.toContain('SECRET')
  })

  test('of a failed operation say why', async () => {
    const { spans } = start()
    const { dict, faulty } = await openNamed('settings')
    faulty.failBefore('changesSince', Object.assign(new Error('lost'), { code: 'ECONNRESET' }))
    await expect(dict.get('a')).rejects.toThrow()
    const failed = spans.getFinishedSpans().find(({ name }) => name === 'durabledict.check')
    expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'ECONNRESET' })
    expect(failed?.attributes['error.type']).toBe('DURABLEDICT_STORE_UNAVAILABLE')
  })

  test('are not created for checks of the background, nor inside a span that has ended', async () => {
    const { spans, tracer } = start()
    const root = tracer.startSpan('start-up')
    const { dict, faulty } = await context.with(trace.setSpan(context.active(), root), () =>
      openNamed('settings', { live: true, maxStaleness: 60 }),
    )
    root.end()
    spans.reset()
    faulty.intercept('changesSince', () => ({ type: 'tooOld', diverged: false }))
    await new Promise(resolve => void dict.on('sync', resolve))
    expect(parents(spans.getFinishedSpans())).toEqual([])
  })
})
