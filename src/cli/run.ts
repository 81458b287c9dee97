import { DurableDictError } from '../errors/errors.js'
import { VERSION } from '../version.js'
import { parseArguments } from './arguments.js'
import type { Desk } from './desk.js'
import { EXIT, exitCodeOf } from './exit-codes.js'
import { Failure, usage } from './failure.js'
import { generalHelp, verbHelp } from './help.js'
import { Interrupted, unlessInterrupted } from './interruption.js'
import { COMMON } from './options.js'
import { printableLines } from './output/printable.js'
import { Screen } from './output/screen.js'
import { withoutCredentials } from './targets/credentials.js'
import { type Target, targetOf } from './targets/target.js'
import type { Terminal } from './terminal.js'
import type { Verb } from './verb.js'
import { VERBS } from './verb-table.js'

/** Runs the command line. Returns the exit code; never throws. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal)
  } catch (error) {
    if (error instanceof Interrupted) return EXIT.interrupted
    const message = withoutCredentials(describe(error), urlsIn(args, terminal))
    await terminal.stderr.write(`${printableLines(`durabledict: ${message}`)}\n`)
    return exitCodeOf(error)
  }
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = args
  if (first === '--version' || first === '-v') return await say(VERSION, terminal)
  if (first === undefined || first === '--help' || first === '-h') {
    if (first !== undefined) return await say(generalHelp(VERBS, VERSION), terminal)
    await terminal.stderr.write(`${generalHelp(VERBS, VERSION)}\n`)
    return EXIT.usage
  }
  if (first === 'help')
    return await say(rest[0] === undefined ? generalHelp(VERBS, VERSION) : verbHelp(verbOf(rest[0])), terminal)
  return await runVerb(verbOf(first), rest, terminal)
}

async function say(text: string, terminal: Terminal): Promise<number> {
  await terminal.stdout.write(`${text}\n`)
  return EXIT.ok
}

function verbOf(name: string): Verb {
  const verb = VERBS.find(one => one.name === name)
  if (verb) return verb
  if (name.startsWith('-'))
    throw usage('The verb comes first: durabledict ls --url URL. durabledict --help lists the verbs.')
  throw usage(`There is no verb ${JSON.stringify(name)}; there are ${VERBS.map(one => one.name).join(', ')}.`)
}

async function runVerb(verb: Verb, args: readonly string[], terminal: Terminal): Promise<number> {
  const { words, command, flags } = parseArguments(args, { ...COMMON, ...verb.options }, verb.takesCommand ?? false)
  if (flags.has('help')) return await say(verbHelp(verb), terminal)
  checkWords(verb, words)
  const screen = new Screen(terminal, flags.text('output'), verb.formats ?? [], !flags.has('no-color'))
  const options = { url: flags.text('url'), dict: flags.text('dict'), timeout: timeoutOf(flags.text('timeout')) }
  const opened: Desk[] = []
  let target: Promise<Target> | undefined
  const findTarget = () => {
    target ??= targetOf(options, terminal)
    return target
  }
  try {
    const open: Parameters<Verb['run']>[0]['open'] = async access => {
      const desk = await (await findTarget()).open(access)
      opened.push(desk)
      if (desk.absence !== undefined) await screen.note(desk.absence)
      return desk
    }
    const running = verb.run({ words, command, flags, verbs: VERBS, terminal, screen, target: findTarget, open })
    const endsItself = () => opened.some(desk => desk.hasSent || verb.untilInterrupted)
    return await unlessInterrupted(running, terminal.signal, endsItself)
  } finally {
    const closed = Promise.all(opened.map(desk => desk.dict.close().catch(() => {})))
    if (!terminal.signal.aborted) await closed
  }
}

function checkWords({ name, usage: words, words: [least, most] }: Verb, given: readonly string[]): void {
  if (given.length >= least && given.length <= most) return
  const what = given.length < least ? 'Something is missing' : 'There are too many words'
  throw usage(`${what}: durabledict ${`${name} ${words}`.trim()}. durabledict ${name} --help shows examples.`)
}

function timeoutOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw usage('--timeout takes a whole number of milliseconds, at least 1.')
}

/** Everything that may be a URL, also where a mistake put it. */
function urlsIn(args: readonly string[], { env }: Terminal): (string | undefined)[] {
  return [...args.map(word => word.replace(/^--[a-z]+=/, '')), env.DURABLEDICT_URL]
}

/** Without the stack. An error that is not of the library is a fault of the command's use, or of the configuration. */
function describe(error: unknown): string {
  if (error instanceof Failure || error instanceof DurableDictError) return withCause(error)
  return error instanceof Error ? error.message : String(error)
}

/** A store that does not answer is easier to find with the driver's own message. */
function withCause(error: Error): string {
  const { message, cause } = error
  const known =
    cause instanceof Error && error instanceof DurableDictError && error.code === 'DURABLEDICT_STORE_UNAVAILABLE'
  return known && !message.includes(cause.message) && cause.message !== ''
    ? `${message} (${cause.message.split('\n', 1)[0]})`
    : message
}
