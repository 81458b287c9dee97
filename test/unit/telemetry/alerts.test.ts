import { readFileSync } from 'node:fs'
import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { register } from '../../../src/prometheus.js'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const page = readFileSync(new URL('../../../docs/monitoring.md', import.meta.url), 'utf8')
const { groups } = parse(/```yaml\n(groups:[^`]*)```/.exec(page)?.[1] ?? '') as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap(group => group.rules)

/** The names that a scrape contains, with those of the series of histograms. */
async function scraped(): Promise<ReadonlySet<string>> {
  const registry = new Registry()
  const unregister = register(registry)
  const metrics = await registry.getMetricsAsJSON()
  unregister()
  return new Set(
    metrics.flatMap(({ name, type }) =>
      String(type) === 'histogram' ? ['_bucket', '_count', '_sum'].map(suffix => name + suffix) : [name],
    ),
  )
}

describe('the alert rules of the documentation', () => {
  test('are a rule file of Prometheus', () => {
    expect(rules.length).toBeGreaterThan(0)
    for (const rule of rules) {
      expect(
        Object.keys(rule).filter(member => !['alert', 'expr', 'for', 'labels', 'annotations'].includes(member)),
      ).toEqual([])
      expect(rule.for ?? '1m').toMatch(/^\d+[smh]$/)
      expect(rule.labels.severity).toMatch(/^(critical|warning)$/)
    }
  })

  test('name only metrics and labels that exist', async () => {
    const names = await scraped()
    const labels = ['durabledict_name', 'durabledict_store', 'durabledict_outcome']
    for (const { alert, expr, annotations } of rules) {
      const used = [...new Set(`${expr} ${annotations.summary}`.match(/durabledict_\w+/g))]
      expect(
        used.some(name => names.has(name)),
        alert,
      ).toBe(true)
      expect(
        used.filter(name => !names.has(name) && !labels.includes(name)),
        alert,
      ).toEqual([])
    }
  })

  test('have balanced parentheses, braces and brackets', () => {
    for (const { alert, expr } of rules) {
      let rest = expr
      for (let before = ''; before !== rest; ) {
        before = rest
        rest = rest.replaceAll(/\([^()[\]{}]*\)|\[[^()[\]{}]*\]|\{[^()[\]{}]*\}/g, '')
      }
      expect(rest, alert).not.toMatch(/[()[\]{}]/)
    }
  })

  test.each(rules.map(({ alert, annotations }) => [alert, annotations.runbook_url]))(
    'say what to do about %s',
    (alert, url) => {
      expect(page).toContain(`\n### ${alert}\n`)
      expect(url).toBe(`https://durabledict.github.io/durabledict/monitoring#${alert.toLowerCase()}`)
    },
  )
})
