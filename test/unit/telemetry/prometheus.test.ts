import { type OpenMetricsContentType, Registry } from 'prom-client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MemoryDict } from '../../../src/memory.js'
import { register } from '../../../src/prometheus.js'
import { haveTrouble, openNamed } from './subjects.js'

function start(registry = new Registry()) {
  const unregister = register(registry)
  onTestFinished(unregister)
  return { registry, unregister }
}

/** The samples of one dictionary, without the sums of seconds, which differ. */
async function samplesOf(registry: { metrics(): Promise<string> }, name: string): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n').filter(line => line.includes(`durabledict_name="${name}"`))
  return lines.filter(line => !/_bucket|_sum|_seconds\{/.test(line))
}

describe('register', () => {
  test('adds the metrics with the names that exporters of OpenTelemetry give them, and no key or value', async () => {
    const { registry } = start()
    const subject = await openNamed('settings', { live: true })
    await subject.dict.set('SECRETKEY', 'SECRETVALUE')
    await haveTrouble(subject)
    const text = await registry.metrics()
    expect([...text.matchAll(/^# TYPE (.*)$/gm)].map(([, type]) => type).sort()).toEqual([
      'durabledict_changes_total counter',
      'durabledict_check_duration_seconds histogram',
      'durabledict_commit_duration_seconds histogram',
      'durabledict_conflicts_total counter',
      'durabledict_divergences_total counter',
      'durabledict_entries gauge',
      'durabledict_live gauge',
      'durabledict_load_duration_seconds histogram',
      'durabledict_staleness_limit_seconds gauge',
      'durabledict_staleness_seconds gauge',
    ])
    const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label))
    expect([...labels].sort()).toEqual(['durabledict_name', 'durabledict_outcome', 'durabledict_store', 'le'])
    expect(text).not.toContain('SECRET')
  })

  test('counts what happened, by outcome', async () => {
    const { registry } = start()
    const subject = await openNamed('settings')
    await subject.dict.update({ SECRETKEY: 1, other: 2 })
    await haveTrouble(subject)
    const labels = 'durabledict_name="settings",durabledict_store="memory"'
    expect(await samplesOf(registry, 'settings')).toEqual([
      `durabledict_changes_total{${labels}} 3`,
      `durabledict_divergences_total{${labels}} 1`,
      `durabledict_conflicts_total{${labels}} 1`,
      `durabledict_check_duration_seconds_count{${labels},durabledict_outcome="DURABLEDICT_STORE_UNAVAILABLE"} 1`,
      `durabledict_check_duration_seconds_count{${labels},durabledict_outcome="ok"} 3`,
      `durabledict_load_duration_seconds_count{${labels},durabledict_outcome="ok"} 3`,
      `durabledict_commit_duration_seconds_count{${labels},durabledict_outcome="ok"} 1`,
      `durabledict_commit_duration_seconds_count{${labels},durabledict_outcome="conflict"} 1`,
      `durabledict_live{${labels}} 0`,
      `durabledict_entries{${labels}} 2`,
    ])
  })

  test('starts the counters of a dictionary at 0, also if it was opened before', async () => {
    await openNamed('before')
    const { registry } = start()
    await openNamed('after')
    for (const name of ['before', 'after']) {
      const samples = await samplesOf(registry, name)
      expect(samples).toContain(
        `durabledict_divergences_total{durabledict_name="${name}",durabledict_store="memory"} 0`,
      )
    }
  })

  test('removes every series of a closed dictionary, and counts from 0 when it is opened again', async () => {
    const { registry } = start()
    const { dict } = await openNamed('settings')
    await dict.set('a', 1)
    await dict.close()
    expect(await registry.metrics()).not.toContain('durabledict_name="settings"')
    await openNamed('settings')
    expect(await samplesOf(registry, 'settings')).toContain(
      'durabledict_changes_total{durabledict_name="settings",durabledict_store="memory"} 0',
    )
  })

  test('keeps the series while another dictionary with the same name and store is open, and shows the worst of them', async () => {
    const { registry } = start()
    const [one, other] = [await openNamed('settings', { live: true }), await openNamed('settings')]
    await one.dict.set('a', 1)
    const gauge = async (name: string) =>
      (await registry.metrics()).match(new RegExp(`^${name}\\{durabledict_name="settings".*\\} (.*)$`, 'm'))?.[1]
    expect(await gauge('durabledict_live')).toBe('0')
    expect(await gauge('durabledict_entries')).toBe('1')
    await other.dict.close()
    expect(await gauge('durabledict_live')).toBe('1')
    expect(await gauge('durabledict_changes_total')).toBe('1')
  })

  test('adds nothing twice, and removes everything when all who registered have unregistered', async () => {
    const { registry, unregister } = start()
    vi.resetModules()
    const copy = await import('../../../src/prometheus.js')
    expect(copy.register).not.toBe(register)
    const unregisterCopy = copy.register(registry)
    const dict = await MemoryDict.open()
    await dict.set('a', 1)
    unregister()
    unregister()
    expect(await samplesOf(registry, 'memory')).toContain(
      'durabledict_changes_total{durabledict_name="memory",durabledict_store="memory"} 1',
    )
    unregisterCopy()
    expect(await registry.metrics()).toBe('\n')
    await dict.set('a', 2)
    start(registry)
    expect(await samplesOf(registry, 'memory')).toContain(
      'durabledict_changes_total{durabledict_name="memory",durabledict_store="memory"} 0',
    )
    await dict.close()
  })

  test('names counters correctly in the OpenMetrics format', async () => {
    const registry = new Registry<OpenMetricsContentType>()
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    onTestFinished(register(registry))
    await openNamed('settings')
    const text = await registry.metrics()
    expect(text).toMatch(/^# TYPE durabledict_changes counter$/m)
    expect(text).toMatch(/^durabledict_changes_total\{durabledict_name="settings",durabledict_store="memory"\} 0$/m)
  })
})
