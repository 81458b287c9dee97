import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../../bench/types.js'
import { LONG } from '../form.js'

/** All suites need more than two minutes of both cores. */
const SUITES = LONG
  ? ['fleet', 'memory', 'model', 'postgres', 'redis', 'sqlite', 'web', 'zookeeper']
  : ['memory', 'sqlite']

const runner = fileURLToPath(new URL('../../bench/run.js', import.meta.url))
const bench = (...args: string[]) => promisify(execFile)(process.execPath, [runner, ...args])

describe('npm run bench', { timeout: 120_000 }, () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durabledict-bench-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('measures the suites and prints JSON and a table', async () => {
    const json = join(folder, 'report.json')
    const { stdout } = await bench(...SUITES, '--quick', '--json', json)
    const report: Report = JSON.parse(await readFile(json, 'utf8'))
    expect(report.date).toMatch(/^\d{4}-\d\d-\d\d$/)
    expect(report.machine).toEqual({
      cpu: expect.any(String),
      cores: expect.any(Number),
      memory: expect.any(String),
      system: expect.any(String),
      node: process.versions.node,
    })
    expect(report.suites.map(({ name }) => name)).toEqual(SUITES)
    for (const { rows } of report.suites) {
      expect(rows.length).toBeGreaterThan(5)
      for (const { name, ours, ratio, target, met } of rows) {
        expect(ours.value, name).toBeGreaterThanOrEqual(0)
        if (ratio) for (const part of [ratio.median, ratio.low, ratio.high]) expect(part, name).toBeGreaterThan(0)
        if (ratio) expect(Number.isFinite(ratio.median), name).toBe(true)
        expect(typeof met, name).toBe(target ? 'boolean' : 'undefined')
        expect(stdout).toContain(`| ${name} `)
      }
    }
    // Suites whose rivals are not installed are left out, and the output says so.
    const note = report.suites.find(({ name }) => name === 'redis')?.note
    if (LONG) expect(note).toContain('without keyv, unstorage, cacheable and bentocache')
    if (LONG) expect(stdout).toContain(note)
  })

  it('lists the suites that exist', async () => {
    await expect(bench('nothing')).rejects.toMatchObject({
      code: 1,
      stderr: 'There is no suite "nothing"; there are fleet, memory, model, postgres, redis, sqlite, web, zookeeper.\n',
    })
  })
})
