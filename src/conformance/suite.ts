import { type Capability, MODES, type Mode, type RegisterTest, type Runner, type Subject } from './subject.js'
import { World } from './world.js'

/** One test. */
export type Body = (world: World) => Promise<void>

/** A test for backends that have a capability, or have it not. */
export interface Case {
  readonly run: Body
  readonly needs: readonly Capability[]
  /** Any of these will do. Default: none is needed. */
  readonly needsOneOf?: readonly Capability[]
  /** Run only where all of these are missing. */
  readonly lacks: readonly Capability[]
}

/** Tests of one topic, by what they say. */
export interface Topic {
  readonly title: string
  /** The modes that it is run in. Default: none; it does not open dictionaries, or chooses their modes itself. */
  readonly modes?: (mode: Mode) => boolean
  readonly tests: Readonly<Record<string, Body | Case>>
}

/** For what only backends with all of these capabilities promise; for the others it is reported as skipped. */
export function needs(capabilities: Capability | readonly Capability[], run: Body): Case {
  return { run, needs: [capabilities].flat() as Capability[], lacks: [] }
}

/** For what happens instead, on backends that have none of these capabilities. */
export function lacks(capabilities: Capability | readonly Capability[], run: Body): Case {
  return { run, needs: [], lacks: [capabilities].flat() as Capability[] }
}

export const everyMode = () => true
export const liveModes = (mode: Mode) => mode.live === true
export const checkedModes = (mode: Mode) => mode.autosync !== false
export const memoryModes = (mode: Mode) => mode.autosync === false

/** The most that one test may take, in ms, before the subject's scale. */
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
  const { title, modes, tests } = topic
  const all = subject.modes ?? MODES
  for (const mode of modes ? all.filter(modes) : [undefined]) {
    runner.describe(mode ? `${title}, ${nameOf(mode)}` : title, () => {
      for (const [name, given] of Object.entries(tests)) registerTest(test, subject, mode, name, toCase(given))
    })
  }
}

function registerTest(test: RegisterTest, subject: Subject, mode: Mode | undefined, name: string, given: Case): void {
  const missing = missingIn(subject, mode)
  if (given.lacks.some(capability => missing[capability] === undefined)) return
  const run = () => runIn(subject, mode ?? {}, given.run)
  const lacks = (capability: Capability) => missing[capability] !== undefined
  const lacking = given.needs.filter(lacks)
  if (given.needsOneOf?.every(lacks)) lacking.push(...given.needsOneOf)
  if (lacking.length === 0) test(name, run)
  // Called as a member: some runners need it so.
  else test.skip?.(`${name} [${lacking.map(one => `no ${one}: ${missing[one]}`).join('; ')}]`, run)
}

/** What the backend lacks in this mode: a dictionary that asks for linearizable checks gets them. */
function missingIn({ missing = {} }: Subject, mode: Mode | undefined): NonNullable<Subject['missing']> {
  return mode?.consistency === 'linearizable' ? { ...missing, linearizable: undefined } : missing
}

async function runIn(subject: Subject, mode: Mode, body: Body): Promise<void> {
  const world = await World.create(subject, mode)
  try {
    await world.within(body(world), 'the test must come to its end', TEST_LIMIT * (subject.timeoutScale ?? 1))
  } catch (error) {
    // What the test found is what is to be told, not what it left behind.
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
