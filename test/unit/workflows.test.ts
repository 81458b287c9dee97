import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../scripts/run.js'
import { withRelease, withVersion } from '../../scripts/version.js'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly steps: readonly Step[]
  readonly 'timeout-minutes'?: number
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> }
}

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const manifest = JSON.parse(read('package.json'))

const filesOf = (folder: string) => readdirSync(join(root, folder)).map(name => `${folder}/${name}`)
const WORKFLOWS = filesOf('.github/workflows').map(path => [path, parse(read(path)) as Workflow] as const)
const FORMS = filesOf('.github/ISSUE_TEMPLATE').filter(path => !path.endsWith('config.yml'))

const steps = WORKFLOWS.flatMap(([path, { jobs }]) =>
  Object.values(jobs).flatMap(job => job.steps.map(step => ({ path, job, step }))),
)

/** A command, once for each value that the job's matrix puts into it. */
function expanded(command: string, { strategy }: Job): string[] {
  const [placeholder, name] = /\$\{\{ matrix\.(\w+) \}\}/.exec(command) ?? []
  if (placeholder === undefined || name === undefined) return [command]
  return (strategy?.matrix[name] ?? []).map(value => command.replace(placeholder, String(value)))
}

/** Everything that the steps run, including the commands of the release action. */
const commands = steps.flatMap(({ path, job, step }) =>
  [step.run, step.with?.version, step.with?.publish]
    .filter(command => typeof command === 'string')
    .flatMap(command => expanded(command, job).map(each => [path, each] as const)),
)

describe('the workflows', () => {
  test.each(commands)('%s runs a script of package.json: %s', (_path, command) => {
    if (command === 'npm ci --ignore-scripts') return
    const [, script] = /^npm run ([\w:-]+)( -- [\w -]+)?$/.exec(command) ?? []
    expect(Object.keys(manifest.scripts)).toContain(script)
  })

  test.each(steps.flatMap(({ path, step }) => (step.uses ? [[path, step.uses]] : [])))(
    '%s pins %s by major version or commit',
    (_path, action) => expect(action).toMatch(/^[\w-]+\/[\w/-]+@(v\d+|[0-9a-f]{40})$/),
  )

  test.each(WORKFLOWS)('%s states its permissions, and a time limit for each job', (_path, { permissions, jobs }) => {
    expect(permissions).toBeDefined()
    for (const job of Object.values(jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0)
  })

  test('run on the oldest supported major version of Node', () => {
    const [, oldest] = />=(\d+)/.exec(manifest.engines.node) ?? []
    const stores = WORKFLOWS.flatMap(([, { jobs }]) => (jobs.stores ? [jobs.stores] : []))
    expect(stores[0]?.strategy?.matrix.node).toContain(Number(oldest))
  })
})

describe('the issue forms', () => {
  test.each(FORMS)('%s has at least one question, each with its own id', path => {
    const { name, description, body } = parse(read(path))
    expect([typeof name, typeof description]).toEqual(['string', 'string'])
    const ids = body.flatMap(({ id }: { id?: string }) => (id === undefined ? [] : [id]))
    expect(ids.length).toBeGreaterThan(0)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('a release', () => {
  test('moves the unreleased changes under its version', () => {
    const changelog = '# Changelog\n\n## Unreleased\n\n- New.\n'
    const released = '# Changelog\n\n## Unreleased\n\n## 1.2.3\n\n- New.\n'
    expect(withRelease(changelog, '1.2.3')).toBe(released)
    expect(withRelease(released, '1.2.3')).toBe(released)
  })

  test('finds in the repository the lines that it changes', () => {
    expect(withRelease(read('CHANGELOG.md'), '999.0.0')).toContain('\n## 999.0.0\n')
    expect(withVersion(read('src/version.ts'), '999.0.0')).toContain("VERSION = '999.0.0'")
  })
})
