// @ts-check
import { readFile } from 'node:fs/promises'

/** Scripts (Lua) are imported as text, by the build and by the tests: no program has to find them when it runs. */
export function textModules() {
  return {
    name: 'text-modules',
    /** @param {string} id */
    async load(id) {
      if (!id.endsWith('.lua')) return null
      return moduleOf(await readFile(id, 'utf8'))
    },
  }
}

/** A module that exports the text, line by line as it is written. @param {string} text */
export function moduleOf(text) {
  if (/`|\$\{/.test(text)) throw new Error('A script that is embedded must hold neither ` nor ${.')
  return { code: `export default String.raw\`${text}\`\n`, moduleType: /** @type {const} */ ('js') }
}
