// @ts-check
import { runOrThrow } from '../../../scripts/run.js'

/** @import { Case } from './case.js' */

/** @type {readonly Case[]} */
export const copies = [
  {
    name: 'ESM and CommonJS copies share instanceof, request scopes and dictionaries',
    short: true,
    tools: [],
    async run({ folder, env }) {
      await runOrThrow(process.execPath, ['copies.js'], { cwd: folder, env })
    },
  },
  {
    name: 'a CommonJS program requires every dictionary',
    short: true,
    tools: ['drivers'],
    servers: ['redis'],
    async run({ folder, env }) {
      await runOrThrow(process.execPath, ['require.cjs'], { cwd: folder, env })
    },
  },
]
