// @ts-check
import { readFile } from 'node:fs/promises'
import { builtPage } from './page.js'

/** What is imported as text: scripts, and the sources of the console's page. */
export const TEXTS = /\.(lua|sql|page)$/

/** The build and the tests import these as text, so that programs need not find them at run time. */
export function textModules() {
  return {
    name: 'text-modules',
    /** @param {string} id */
    async load(id) {
      return TEXTS.test(id) ? moduleOf(await textOf(id)) : null
    },
  }
}

/** The text that the import of a file is. @param {string} path */
export const textOf = path => (path.endsWith('.page') ? builtPage(path) : readFile(path, 'utf8'))

/** A module that exports the text, line by line. @param {string} text */
export function moduleOf(text) {
  const escaped = text.replaceAll(/[`\\]|\$\{/g, '\\$&')
  return { code: `export default \`${escaped}\`\n`, moduleType: /** @type {const} */ ('js') }
}
