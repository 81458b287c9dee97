import { builtin } from '../../process/builtin.js'
import commit from './scripts/commit.lua'
import fastSet from './scripts/fast-set.lua'
import forget from './scripts/forget.lua'
import history from './scripts/history.lua'
import page from './scripts/page.lua'
import policy from './scripts/policy.lua'
import prelude from './scripts/prelude.lua'
import pull from './scripts/pull.lua'
import registerMaxStaleness from './scripts/record-bound.lua'

/** A Lua script. The header of its file documents its arguments and result. */
export class Script {
  readonly name: string
  /** Whether it needs only the right to read. */
  readonly readOnly: boolean
  /** Whether it takes the key of the history. */
  readonly usesHistory: boolean
  readonly #first: string
  readonly #texts: readonly string[]
  readonly #flags: string
  #loaded: { source: string; sha: string } | undefined

  /**
   * @param flags - the flags in the shebang, by which Redis 7 decides where and when a script may run.
   * @param first - runs before the functions of the prelude exist, and may return.
   */
  constructor(name: string, texts: readonly string[], flags = '', first = '') {
    this.name = name
    this.#first = first
    this.#texts = texts
    this.#flags = flags
    this.usesHistory = texts.includes(history)
    this.readOnly = flags === 'no-writes'
  }

  get source(): string {
    return this.#load().source
  }

  /** The digest that EVALSHA takes. */
  get sha(): string {
    return this.#load().sha
  }

  #load(): { source: string; sha: string } {
    this.#loaded ??= compose(this.#first, this.#texts, this.#flags, this.readOnly)
    return this.#loaded
  }
}

/** Every request to the server runs one of these. */
export const SCRIPTS = {
  pull: new Script('pull', [pull], 'allow-oom'),
  /** The same with only the right to read: it starts no history. */
  peek: new Script('pull', [pull], 'no-writes'),
  commit: new Script('commit', [history, commit], '', fastSet),
  /** For batches that insert nothing: they free memory on a server that is out of memory. */
  shrink: new Script('commit', [history, commit], 'allow-oom'),
  registerMaxStaleness: new Script('record-bound', [registerMaxStaleness], 'allow-oom'),
  page: new Script('page', [history, page], 'allow-oom'),
  /** The same with only the right to read. */
  peekPage: new Script('page', [history, page], 'no-writes'),
  setHistoryPolicy: new Script('policy', [history, policy], 'allow-oom'),
  forgetAuthor: new Script('forget', [history, forget], 'allow-oom'),
} as const

function compose(
  first: string,
  texts: readonly string[],
  flags: string,
  readOnly: boolean,
): { source: string; sha: string } {
  const shebang = flags === '' ? '#!lua' : `#!lua flags=${flags}`
  const source = [shebang, first, `local READ_ONLY = ${readOnly}`, prelude, ...texts].join('\n')
  return { source, sha: builtin.crypto.createHash('sha1').update(source).digest('hex') }
}
