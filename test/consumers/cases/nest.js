// @ts-check
import { runOrThrow } from '../../../scripts/run.js'

/** @import { Case } from './case.js' */

/** @type {readonly Case[]} */
export const nest = ['nest-11', 'nest-12'].map(version => ({
  name: `Nest ${version.slice(5)} injects dictionaries of a TypeORM repository, says how they are and closes them`,
  tools: ['drivers', version],
  async run({ folder, env }) {
    await runOrThrow(process.execPath, ['nest.js'], { cwd: folder, env })
  },
}))
