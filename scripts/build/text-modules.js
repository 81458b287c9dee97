// @ts-check
import { readFile } from 'node:fs/promises'

/** The build and the tests import scripts (Lua, SQL) as text, so that programs need not find them at run time. */
export function textModules() {
  return {
    name: 'text-modules',
    /** @param {string} id */
    async load(id) {
      if (!/\.(lua|sql)$/.test(id)) return null
      return moduleOf(await readFile(id, 'utf8'))
    },
  }
}

/** A module that exports the text, line by line. @param {string} text */
export function moduleOf(text) {
  const escaped = text.replaceAll(/[`\\]|\$\{/g, '\\$&')
  return { code: `export default \`${escaped}\`\n`, moduleType: /** @type {const} */ ('js') }
}
