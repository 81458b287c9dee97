// @ts-check
import { deepEqual } from 'node:assert/strict'
import { runOrThrow } from '../../../scripts/run.js'

/** @import { Case } from './case.js' */

/** @type {readonly Case[]} */
export const commandLine = [
  {
    name: 'npx runs the command line',
    short: true,
    tools: ['drivers'],
    async run({ folder, env }) {
      const npx = (/** @type {string[]} */ ...args) =>
        runOrThrow('npx', ['--no-install', 'durabledict', ...args], {
          cwd: folder,
          env: { ...env, DURABLEDICT_URL: 'sqlite:./app.db#settings' },
        })
      const { changes } = JSON.parse(await npx('set', 'perPage', '20'))
      deepEqual(changes, [{ key: 'perPage', after: 20 }])
      deepEqual(JSON.parse(await npx('export')), { perPage: 20 })
    },
  },
]
