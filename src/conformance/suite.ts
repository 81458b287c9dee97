import { Ahead } from './ahead.js'
import { type Capability, MODES, type Mode, type RegisterTest, type Runner, type Subject } from './subject.js'
import { World } from './world.js'

/** One test. */
export type Body = (world: World) => Promise<void>

/** A test for backends that have, or lack, a capability. */
export interface Case {
  readonly run: Body
  readonly needs: readonly Capability[]
  /** Needs at least one of these. Default: needs none. */
  readonly needsOneOf?: readonly Capability[]
  /** Runs only if all of these are missing. */
  readonly lacks: readonly Capability[]
}

/** The tests of one topic, by title. */
export interface Topic {
  readonly title: string
  /** The modes to run in. Default: none, for topics that open no dictionaries or choose the modes themselves. */
  readonly modes?: (mode: Mode) => boolean
  /** Whether its tests mostly wait, so that they may do so at the same time. Default `false`. */
  readonly waits?: boolean
  readonly tests: Readonly<Record<string, Body | Case>>
}

/** For guarantees of backends with all of these capabilities. Other backends report the test as skipped. */
export function needs(capabilities: Capability | readonly Capability[], run: Body): Case {
  return { run, needs: [capabilities].flat() as Capability[], lacks: [] }
}

/** For what happens instead on backends with none of these capabilities. */
export function lacks(capabilities: Capability | readonly Capability[], run: Body): Case {
  return { run, needs: [], lacks: [capabilities].flat() as Capability[] }
}

export const everyMode = () => true
export const liveModes = (mode: Mode) => mode.live === true
export const checkedModes = (mode: Mode) => mode.autosync !== false
export const memoryModes = (mode: Mode) => mode.autosync === false

/** How long one test may take, in ms, before the subject's scale. */
const TEST_LIMIT = 15_000

/** Registers the topics, each in its modes. */
export function register(runner: Runner, subject: Subject, topics: readonly Topic[]): void {
  const test = runner.test ?? runner.it
  if (!test)
    throw new TypeError('conformance() takes the functions of a test runner: { describe, test } or { describe, it }.')
  runner.describe(subject.name, () => {
    for (const topic of topics) registerTopic(runner, test, subject, topic)
  })
}

function registerTopic(runner: Runner, test: RegisterTest, subject: Subject, topic: Topic): void {
  const { title, modes, tests, waits } = topic
  const all = subject.modes ?? MODES
  for (const mode of modes ? all.filter(modes) : [undefined]) {
    const ahead = waits && !subject.sequential ? new Ahead() : undefined
    runner.describe(mode ? `${title}, ${nameOf(mode)}` : title, () => {
      for (const [name, given] of Object.entries(tests))
        registerTest(test, subject, { mode, ahead }, name, toCase(given))
    })
  }
}

/** How the tests of a topic run. */
interface Way {
  readonly mode: Mode | undefined
  readonly ahead: Ahead | undefined
}

function registerTest(test: RegisterTest, subject: Subject, { mode, ahead }: Way, name: string, given: Case): void {
  const missing = missingIn(subject, mode)
  if (given.lacks.some(capability => missing[capability] === undefined)) return
  const run = () => runIn(subject, mode ?? {}, given.run)
  const lacks = (capability: Capability) => missing[capability] !== undefined
  const lacking = given.needs.filter(lacks)
  if (given.needsOneOf?.every(lacks)) lacking.push(...given.needsOneOf)
  if (lacking.length === 0) test(name, ahead?.add(run) ?? run)
  // Called as a member, which some runners require.
  else test.skip?.(`${name} [${lacking.map(one => `no ${one}: ${missing[one]}`).join('; ')}]`, run)
}

/** What the backend lacks in this mode. A dictionary that asks for linearizable checks gets them. */
function missingIn({ missing = {} }: Subject, mode: Mode | undefined): NonNullable<Subject['missing']> {
  return mode?.consistency === 'linearizable' ? { ...missing, linearizable: undefined } : missing
}

async function runIn(subject: Subject, mode: Mode, body: Body): Promise<void> {
  const world = await World.create(subject, mode)
  try {
    await world.within(body(world), 'the test must end', TEST_LIMIT * (subject.timeoutScale ?? 1))
  } catch (error) {
    // Report the failure of the test, rather than of its cleanup.
    await world.dispose().catch(() => {})
    throw error
  }
  await world.dispose()
}

function toCase(given: Body | Case): Case {
  return typeof given === 'function' ? { run: given, needs: [], lacks: [] } : given
}

function nameOf(mode: Mode): string {
  return `{ ${Object.entries(mode)
    .map(([option, value]) => `${option}: ${value}`)
    .join(', ')} }`
}
