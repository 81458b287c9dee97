import { createHash } from 'node:crypto'
import commit from './scripts/commit.lua'
import prelude from './scripts/prelude.lua'
import pull from './scripts/pull.lua'
import registerMaxStaleness from './scripts/record-bound.lua'

/** A Lua script: its file holds its contract. */
export class Script {
  readonly name: string
  /** Whether it runs with the right to read alone. */
  readonly readOnly: boolean
  readonly #text: string
  readonly #flags: string
  #loaded: { source: string; sha: string } | undefined

  /** @param flags - of the shebang, by which Redis 7 decides where and when a script may run. */
  constructor(name: string, text: string, flags = '') {
    this.name = name
    this.#text = text
    this.#flags = flags
    this.readOnly = flags === 'no-writes'
  }

  get source(): string {
    return this.#load().source
  }

  /** What EVALSHA knows it by. */
  get sha(): string {
    return this.#load().sha
  }

  #load(): { source: string; sha: string } {
    this.#loaded ??= compose(this.#text, this.#flags, this.readOnly)
    return this.#loaded
  }
}

/** Everything that is asked of the server goes through these. */
export const SCRIPTS = {
  pull: new Script('pull', pull, 'allow-oom'),
  /** The same with the right to read alone: it begins no history. */
  peek: new Script('pull', pull, 'no-writes'),
  commit: new Script('commit', commit),
  /** For batches that insert nothing: they are what makes room on a server that is out of memory. */
  shrink: new Script('commit', commit, 'allow-oom'),
  registerMaxStaleness: new Script('record-bound', registerMaxStaleness, 'allow-oom'),
} as const

function compose(text: string, flags: string, readOnly: boolean): { source: string; sha: string } {
  const shebang = flags === '' ? '#!lua' : `#!lua flags=${flags}`
  const source = [shebang, `local READ_ONLY = ${readOnly}`, prelude, text].join('\n')
  return { source, sha: createHash('sha1').update(source).digest('hex') }
}
