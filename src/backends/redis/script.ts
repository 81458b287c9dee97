import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A Lua script: its file holds its contract. */
export class Script {
  readonly name: string
  /** Whether it runs with the right to read alone. */
  readonly readOnly: boolean
  readonly #flags: string
  #loaded: { source: string; sha: string } | undefined

  /** @param flags - of the shebang, by which Redis 7 decides where and when a script may run. */
  constructor(name: string, flags = '') {
    this.name = name
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
    this.#loaded ??= compose(this.name, this.#flags, this.readOnly)
    return this.#loaded
  }
}

/** Everything that is asked of the server goes through these. */
export const SCRIPTS = {
  pull: new Script('pull', 'allow-oom'),
  /** The same with the right to read alone: it begins no history. */
  peek: new Script('pull', 'no-writes'),
  commit: new Script('commit'),
  /** For batches that insert nothing: they are what makes room on a server that is out of memory. */
  shrink: new Script('commit', 'allow-oom'),
  recordBound: new Script('record-bound', 'allow-oom'),
} as const

function compose(name: string, flags: string, readOnly: boolean): { source: string; sha: string } {
  const shebang = flags === '' ? '#!lua' : `#!lua flags=${flags}`
  const source = [shebang, `local READ_ONLY = ${readOnly}`, text('prelude'), text(name)].join('\n')
  return { source, sha: createHash('sha1').update(source).digest('hex') }
}

function text(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')
}
