// @ts-check
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { builtinModules, createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runOrThrow } from '../../../scripts/run.js'
import { toolset } from '../place.js'

/** @import { Case } from './case.js' */

/** Native packages are not bundled. */
const NATIVE = ['libsql', '@libsql/client']

const PROGRAMS = ['memory', 'sqlite', 'redis', 'zookeeper', 'model']

/** Imports a tool of the folder. @param {string} folder @param {string} name */
const tool = async (folder, name) => {
  const path = createRequire(join(folder, 'index.js')).resolve(name)
  const imported = await import(pathToFileURL(path).href)
  return imported.default ?? imported
}

/** Packages that redis requires if they are installed. Bundlers other than esbuild need this list. */
const OPTIONAL = ['@node-rs/xxhash', '@opentelemetry/api']

/** The folder where a bundle runs, beside native packages only. @param {string} folder */
async function linkNatives(folder) {
  const drivers = await toolset('drivers')
  await mkdir(join(folder, 'node_modules', '@libsql'), { recursive: true })
  for (const name of NATIVE) await symlink(join(drivers, name), join(folder, 'node_modules', name), 'junction')
}

/**
 * A case that bundles the programs with one tool and runs each in a folder with native packages only.
 * @param {string} name
 * @param {string} tool
 * @param {(folder: string, entries: Record<string, string>, output: string) => Promise<unknown>} bundle
 * @param {{ short?: boolean, extension?: string }} [options]
 * @returns {Case}
 */
function bundled(name, tool, bundle, { short = false, extension = 'js' } = {}) {
  return {
    name,
    short,
    tools: ['drivers', tool],
    servers: ['redis', 'zookeeper'],
    async run({ folder, env }) {
      const output = await mkdtemp(join(tmpdir(), 'durabledict-bundle-'))
      try {
        await bundle(
          folder,
          Object.fromEntries(PROGRAMS.map(program => [program, join(folder, `${program}.js`)])),
          output,
        )
        await linkNatives(output)
        await Promise.all(
          PROGRAMS.map(program => runOrThrow(process.execPath, [`${program}.${extension}`], { cwd: output, env })),
        )
      } finally {
        await rm(output, { recursive: true, force: true })
      }
    },
  }
}

/** What users of esbuild put before ESM bundles of packages that call `require`. */
const REQUIRE =
  "import { builtinModules, createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

/** @param {'esm' | 'cjs'} format */
const esbuild =
  format => async (/** @type {string} */ folder, /** @type {object} */ entries, /** @type {string} */ output) => {
    const { build } = await tool(folder, 'esbuild')
    const { warnings } = await build({
      entryPoints: entries,
      outdir: output,
      outExtension: { '.js': format === 'esm' ? '.mjs' : '.cjs' },
      bundle: true,
      minify: true,
      platform: 'node',
      format,
      external: NATIVE,
      logLevel: 'silent',
      ...(format === 'esm' && { banner: { js: REQUIRE } }),
    })
    if (warnings.length > 0) throw new Error(JSON.stringify(warnings))
  }

/** @param {string} folder @param {Record<string, string>} entries @param {string} output */
async function rollup(folder, entries, output) {
  const { rollup } = await tool(folder, 'rollup')
  const plugins = ['commonjs', 'json', 'node-resolve'].map(name => tool(folder, `@rollup/plugin-${name}`))
  const [commonjs, json, resolve] = await Promise.all(plugins)
  const bundle = await rollup({
    input: entries,
    external: [...NATIVE, ...OPTIONAL, ...builtinModules, /^node:/],
    plugins: [resolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json()],
    onwarn(/** @type {{ code: string, message: string }} */ { code, message }) {
      if (/UNRESOLVED|MISSING/.test(code) || /durabledict/.test(message)) throw new Error(message)
    },
  })
  await bundle.write({ dir: output, format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' })
}

/** @param {string} folder @param {Record<string, string>} entries @param {string} output */
async function webpack(folder, entries, output) {
  const run = await tool(folder, 'webpack')
  const stats = await new Promise((resolve, reject) => {
    const options = {
      mode: 'production',
      target: 'node20',
      context: folder,
      entry: entries,
      output: { path: output, filename: '[name].cjs' },
      externals: Object.fromEntries([...NATIVE, ...OPTIONAL].map(name => [name, `commonjs ${name}`])),
    }
    run(options, (/** @type {Error | null} */ error, /** @type {unknown} */ stats) =>
      error ? reject(error) : resolve(stats),
    )
  })
  const { errors, warnings } = stats.toJson({ errors: true, warnings: true })
  const ours = warnings.filter((/** @type {object} */ warning) => /durabledict/.test(JSON.stringify(warning)))
  if (errors.length + ours.length > 0) throw new Error([...errors, ...ours].map(({ message }) => message).join('\n'))
}

/** @param {string} folder @param {Record<string, string>} entries @param {string} output */
async function vite(folder, entries, output) {
  const { build } = await tool(folder, 'vite')
  await build({
    root: folder,
    logLevel: 'error',
    ssr: { noExternal: true, external: NATIVE, target: 'node' },
    build: {
      ssr: true,
      minify: true,
      outDir: output,
      emptyOutDir: false,
      rolldownOptions: {
        input: entries,
        output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  })
}

/** @type {readonly Case[]} */
export const bundlers = [
  bundled('esbuild bundles a minified ESM program', 'esbuild', esbuild('esm'), { short: true, extension: 'mjs' }),
  bundled('esbuild bundles a minified CommonJS program', 'esbuild', esbuild('cjs'), { short: true, extension: 'cjs' }),
  bundled('Rollup bundles a program', 'rollup', rollup, { extension: 'mjs' }),
  bundled('webpack bundles a program', 'webpack', webpack, { extension: 'cjs' }),
  bundled('Vite bundles a server with its dependencies', 'vite', vite, { extension: 'mjs' }),
]
