// @ts-check
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from '../../../scripts/run.js'
import { runtimeBinary } from '../runtime-binary.js'
import { binaries } from '../tools.js'

/** @import { Case } from './case.js' */

const PROGRAMS = ['memory.js', 'sqlite.js', 'redis.js']

/** @type {readonly Case[]} */
export const runtimes = binaries
  ? [
      {
        name: 'Bun runs programs',
        tools: ['drivers', 'bun'],
        servers: ['redis'],
        async run({ folder, env }) {
          const bun = await runtimeBinary('bun')
          for (const program of PROGRAMS) await runOrThrow(bun, ['run', program], { cwd: folder, env })
        },
      },
      {
        name: 'Bun bundles a program, and Node runs it',
        tools: ['drivers', 'bun'],
        servers: ['redis'],
        async run({ folder, env }) {
          const bun = await runtimeBinary('bun')
          for (const program of PROGRAMS) {
            const flags = ['--target', 'node', '--minify', '--external', 'libsql', '--outfile', `bundled-${program}`]
            await runOrThrow(bun, ['build', program, ...flags], { cwd: folder, env })
            await runOrThrow(process.execPath, [`bundled-${program}`], { cwd: folder, env })
          }
        },
      },
      {
        name: 'Deno runs programs',
        tools: ['drivers', 'deno'],
        servers: ['redis'],
        async run({ folder, env }) {
          const deno = await runtimeBinary('deno')
          await writeFile(join(folder, 'deno.json'), '{ "nodeModulesDir": "manual" }')
          for (const program of PROGRAMS) await runOrThrow(deno, ['run', '-A', program], { cwd: folder, env })
        },
      },
    ]
  : []
