import { builtin } from '../../process/builtin.js'
import type { Keys } from './names.js'
import acknowledge from './scripts/acknowledge.lua'
import acknowledged from './scripts/acknowledged.lua'
import commit from './scripts/commit.lua'
import fastSet from './scripts/fast-set.lua'
import forget from './scripts/forget.lua'
import history from './scripts/history.lua'
import leave from './scripts/leave.lua'
import page from './scripts/page.lua'
import policy from './scripts/policy.lua'
import prelude from './scripts/prelude.lua'
import pull from './scripts/pull.lua'
import registerMaxStaleness from './scripts/record-bound.lua'
import register from './scripts/register.lua'
import registry from './scripts/registry.lua'
import replicas from './scripts/replicas.lua'

const COMMON = ['entries', 'meta', 'log', 'head'] as const
const WITH_HISTORY = [...COMMON, 'history'] as const
const ALL = [...WITH_HISTORY, 'replicas', 'seen', 'bounds'] as const

/** A Lua script. The header of its file documents its arguments and result. */
export class Script {
  readonly name: string
  /** Whether it needs only the right to read. */
  readonly readOnly: boolean
  /** The keys that it takes. */
  readonly keys: readonly (keyof Keys)[]
  /** Whether it derives its keys from the one that the call names. */
  readonly derivesKeys: boolean
  readonly #first: string
  readonly #texts: readonly string[]
  readonly #flags: string
  #loaded: { source: string; sha: string } | undefined

  /**
   * @param flags - the flags in the shebang, by which Redis 7 decides where and when a script may run.
   * @param first - runs before the functions of the prelude exist, and may return.
   * @param keys - the keys, if the script is without the prelude.
   */
  constructor(name: string, texts: readonly string[], flags = '', first = '', keys?: readonly (keyof Keys)[]) {
    this.name = name
    this.#first = first
    this.#texts = keys ? texts : [prelude, ...texts]
    this.#flags = flags
    this.keys = keys ?? (texts.includes(registry) ? ALL : texts.includes(history) ? WITH_HISTORY : COMMON)
    this.derivesKeys = first !== ''
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
  /** For batches that ask replicas to acknowledge. */
  commitEverywhere: new Script('commit', [history, registry, commit]),
  shrinkEverywhere: new Script('commit', [history, registry, commit], 'allow-oom'),
  registerMaxStaleness: new Script('record-bound', [registry, registerMaxStaleness], 'allow-oom'),
  register: new Script('register', [registry, register], 'allow-oom'),
  leave: new Script('leave', [registry, leave], 'allow-oom'),
  acknowledge: new Script('acknowledge', [acknowledge], 'allow-oom', '', ['replicas']),
  acknowledged: new Script('acknowledged', [registry, acknowledged], 'allow-oom'),
  replicas: new Script('replicas', [registry, replicas], 'allow-oom'),
  /** The same with only the right to read. */
  peekReplicas: new Script('replicas', [registry, replicas], 'no-writes'),
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
  const source = [shebang, first, `local READ_ONLY = ${readOnly}`, ...texts].join('\n')
  return { source, sha: builtin.crypto.createHash('sha1').update(source).digest('hex') }
}
