import { afterAll, beforeAll, describe, test } from 'vitest'
import type { ModelManager } from '../../src/backends/model/managers/manager.js'
import { openModel } from '../../src/backends/model/open-model.js'
import { type ModelOptions, splitOptions } from '../../src/backends/model/options.js'
import { conformance, type Mode, type Runner, type Subject } from '../../src/conformance/index.js'
import { RichEncoding } from '../../src/index.js'
import { runner } from '../conformance/runner.js'
import { LONG } from '../form.js'

/** A database as used by one library. */
export interface Library {
  /** Creates a table of that name with a key column `key` and a value column `value`, and returns its manager. */
  model(table: string): Promise<ModelManager>
  readonly options?: ModelOptions
  end(): Promise<unknown>
}

/** The mode in which libraries differ: all calls, with live memory. */
export const TELLING_MODES: readonly Mode[] = [{ live: true }]

export interface Conform {
  /** Whether the tests of fleets run: once for each database. Libraries differ in the registry alone. Default: in the long form. */
  readonly fleets?: boolean
  readonly modes?: readonly Mode[]
  readonly missing?: Subject['missing']
  /** Whether its tables serve one test at a time. Default: each test has its own. */
  readonly sequential?: boolean
}

/** Topics about dictionaries that know each other by the registry, by their titles. */
const FLEETS = /^(replicas\(\)|everywhere by acknowledgement|waiting for acknowledgements|relying on memory)$/

const withoutFleets = ({ describe: group, test }: Runner): Runner => ({
  describe: (title, register) => (FLEETS.test(title) ? describe.skip : group)(title, register),
  test,
})

let tables = 0

/** Runs the conformance suite through one library. Each test has its own table in the same database. */
export function conform(
  name: string,
  open: () => Promise<Library>,
  { modes, missing, sequential = false, fleets = LONG }: Conform = {},
): void {
  describe(name, () => {
    let library: Library
    beforeAll(async () => {
      library = await open()
    })
    afterAll(() => library?.end())
    const create = async () => {
      tables += 1
      const manager = await library.model(`settings_${tables}`)
      const [settings] = splitOptions(library.options ?? {})
      const given = { encoding: new RichEncoding() as never, oldEncoding: undefined, timeout: 5_000 }
      return { backend: async () => (await openModel(manager, settings, given)).backend, dispose() {} }
    }
    const lacks = { bytes: 'the column is text, so that anyone can read it', ...missing }
    const subject = { name: 'ModelBackend', create, missing: lacks, sequential }
    const by = sequential ? { describe, test } : runner
    conformance(fleets ? by : withoutFleets(by), { ...subject, ...(modes && { modes }) })
  })
}
