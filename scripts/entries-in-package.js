// @ts-check
// Writes what package.json says of the entry points, from their list.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { ENTRIES, PROGRAM, stemOf } from './entries.js'
import { root } from './run.js'

const path = join(root, 'package.json')

/** @param {'esm' | 'cjs'} format @param {string} stem */
const files = (format, stem) => ({ types: `./lib/${format}/${stem}.d.ts`, default: `./lib/${format}/${stem}.js` })

/** The fields of package.json that follow from the list. */
function fields() {
  const conditions = ENTRIES.map(entry => {
    const stem = stemOf(entry)
    return [entry.path, { import: files('esm', stem), require: files('cjs', stem) }]
  })
  const below = ENTRIES.filter(entry => entry.path !== '.')
  const types = below.map(entry => [entry.path.slice(2), [`./lib/cjs/${stemOf(entry)}.d.ts`]])
  return {
    bin: { [PROGRAM.name]: `./lib/esm/${PROGRAM.stem}.js` },
    main: './lib/cjs/index.js',
    types: './lib/cjs/index.d.ts',
    // For TypeScript with `moduleResolution: node10`, which does not read `exports`.
    typesVersions: { '*': Object.fromEntries(types) },
    exports: {
      ...Object.fromEntries(conditions),
      './package.json': './package.json',
      './schemas/*.json': './schemas/*.json',
    },
  }
}

/** Whether package.json agrees, ignoring the order of entries. */
export async function isWritten() {
  const manifest = JSON.parse(await readFile(path, 'utf8'))
  return Object.entries(fields()).every(([name, value]) => isDeepStrictEqual(manifest[name], value))
}

async function write() {
  const manifest = JSON.parse(await readFile(path, 'utf8'))
  const { bin: _bin, exports: _exports, main: _main, types: _types, typesVersions: _versions, ...rest } = manifest
  const members = Object.entries(rest)
  const at = members.findIndex(([name]) => name === 'files') + 1
  const written = Object.fromEntries([...members.slice(0, at), ...Object.entries(fields()), ...members.slice(at)])
  await writeFile(path, `${JSON.stringify(written, undefined, 2)}\n`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await write()
