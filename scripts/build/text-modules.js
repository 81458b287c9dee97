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
  const escaped = text.replaceAll(/[`\\]|\$\{/g, '\\$&')
  return { code: `export default \`${escaped}\`\n`, moduleType: /** @type {const} */ ('js') }
}
