// @ts-check
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from '../../../scripts/run.js'
import { toolset } from '../place.js'
import { TYPESCRIPTS } from '../tools.js'

/** @import { Case } from './case.js' */

const NEWEST = /** @type {string} */ (TYPESCRIPTS.at(-1))

/** A program that uses every type, and one with which the declarations themselves are checked, in each mode of resolution. */
const PROGRAMS = [
  { file: 'types.ts', type: 'module', module: 'nodenext', skipLibCheck: true },
  { file: 'declarations.ts', type: 'module', module: 'nodenext' },
  { file: 'declarations.ts', type: 'commonjs', module: 'nodenext' },
  { file: 'declarations.ts', type: 'module', module: 'esnext', moduleResolution: 'bundler' },
]

/** TypeScript 7 no longer has it. */
const CLASSIC = { file: 'declarations.ts', type: 'commonjs', module: 'commonjs', moduleResolution: 'node10' }

/** @param {string} version @param {boolean} short */
function programsFor(version, short) {
  if (short) return PROGRAMS.slice(0, 2)
  return version < '6' ? [...PROGRAMS, CLASSIC] : PROGRAMS
}

/** @param {string} version @returns {Case} */
function compiled(version) {
  return {
    name: `TypeScript ${version} compiles programs against the declarations`,
    short: version === TYPESCRIPTS[0] || version === NEWEST,
    tools: ['schemas', `typescript-${version}`],
    async run({ folder, short }) {
      const tsc = join(await toolset(`typescript-${version}`), 'typescript', 'bin', 'tsc')
      for (const { file, type, ...options } of programsFor(version, short)) {
        await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type }))
        await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(configuration(file, options)))
        await runOrThrow(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: folder })
      }
    },
  }
}

/** @param {string} file @param {object} options */
function configuration(file, options) {
  return {
    compilerOptions: {
      target: 'es2022',
      lib: ['es2022', 'esnext.disposable'],
      types: ['node'],
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      ...options,
    },
    files: [file],
  }
}

export const types = TYPESCRIPTS.map(compiled)
