import { openDict } from '../../open-dict.js'
import { Desk } from '../desk.js'
import { usage } from '../failure.js'
import type { Terminal } from '../terminal.js'
import { absenceBy, absenceOf } from './absence.js'
import { findConfig, openConfigured } from './config-file.js'
import { withoutPassword } from './credentials.js'

/** Where the dictionary is, as the user says it. */
export interface TargetOptions {
  readonly url: string | undefined
  /** One of several dictionaries of the configuration. */
  readonly dict: string | undefined
  /** In ms. */
  readonly timeout: number | undefined
}

/** A dictionary that can be opened, and the options that name it in another command. */
export interface Target {
  open(access: Access): Promise<Desk>
  /** For the command that undoes a change. */
  readonly words: readonly string[]
  /** Set if a URL names it. May contain a password. */
  readonly url?: string
  readonly timeout: number | undefined
  /** What the user has to know about these words. */
  readonly note?: string
}

export interface Access {
  /** Whether the command only reads, so that it needs no write access, and creates nothing. */
  readonly readOnly: boolean
  readonly live?: boolean
  /** Whether the command continues if the dictionary does not exist, and says so. */
  readonly mayBeAbsent?: boolean
}

/** What the command line calls itself where stores list their clients. */
const SERVICE = 'durabledict-cli'

/** @throws Failure if nothing names a dictionary. */
export async function targetOf(options: TargetOptions, terminal: Terminal): Promise<Target> {
  if (options.url !== undefined) return ofUrl(options.url, options, true)
  const url = terminal.env.DURABLEDICT_URL
  if (url !== undefined && url !== '' && options.dict === undefined) return ofUrl(url, options, false)
  const file = findConfig(terminal.folder)
  if (file === undefined) throw nothing(options.dict)
  return {
    timeout: options.timeout,
    words: options.dict === undefined ? [] : ['--dict', options.dict],
    open: async () => new Desk(await openConfigured(file, options.dict, terminal.folder)),
  }
}

/** @param given - whether the URL was an option, which the next command needs as well. */
function ofUrl(url: string, { dict, timeout }: TargetOptions, given: boolean): Target {
  if (dict !== undefined)
    throw usage(
      '--dict chooses among the dictionaries of durabledict.config; with --url, the URL names the dictionary.',
    )
  const open = async (access: Access) => await openAt(url, access, timeout)
  if (!given) return { open, url, timeout, words: [] }
  const shown = withoutPassword(url)
  if (shown === url) return { open, url, timeout, words: ['--url', url] }
  return {
    open,
    url,
    timeout,
    words: [],
    note: 'Set DURABLEDICT_URL to the URL first: it may contain a password, which is not printed.',
  }
}

/** @throws Failure if the dictionary does not exist, and the command only reads. */
async function openAt(url: string, access: Access, timeout: number | undefined): Promise<Desk> {
  const { readOnly, live = false, mayBeAbsent = false } = access
  const options = { readOnly, live, replicas: false, service: SERVICE, timeout }
  const dict = await openDict(url, options).catch(async error => {
    throw (await absenceBy(error, url)) ?? error
  })
  const desk = new Desk(dict)
  const absence = readOnly && desk.isEmpty ? await absenceOf(url) : undefined
  if (absence === undefined) return desk
  if (mayBeAbsent) return Object.assign(desk, { absence: absence.message })
  await dict.close()
  throw absence
}

function nothing(dict: string | undefined) {
  const wanted =
    dict === undefined
      ? 'No dictionary is named.'
      : 'There is no durabledict.config here, so that --dict names nothing.'
  return usage(
    `${wanted} Pass --url, such as --url 'redis://localhost:6379#settings' or --url 'sqlite:./app.db#settings'; or set ` +
      'DURABLEDICT_URL; or create durabledict.config.js: export default { settings: () => openSettings() }',
  )
}
