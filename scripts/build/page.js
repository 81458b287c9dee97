// @ts-check
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** @type {Map<string, Promise<string>>} */
const built = new Map()

/**
 * A part of the console's page as text. A `.page` file names its source: a style sheet, or a program, which is bundled with what it
 * imports and minified.
 * @param {string} path of the `.page` file
 */
export function builtPage(path) {
  const known = built.get(path) ?? build(path)
  built.set(path, known)
  return known
}

/** @param {string} path */
async function build(path) {
  const source = join(dirname(path), (await readFile(path, 'utf8')).trim())
  return source.endsWith('.css') ? withoutComments(await readFile(source, 'utf8')) : bundled(source)
}

/** @param {string} css */
const withoutComments = css => css.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/\n\s*/g, '\n')

/** @param {string} source */
async function bundled(source) {
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({
    input: source,
    platform: 'browser',
    onLog: (level, log) => {
      throw new Error(`${level}: ${log.message}`)
    },
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true, comments: { legal: false } })
  await bundle.close()
  return output[0].code
}
