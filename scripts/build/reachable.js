// @ts-check
import { readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { ENTRIES, stemOf } from '../entries.js'

/** @typedef {{ extension: string, imports: RegExp }} Kind */

/** @type {Kind} */
export const code = { extension: '.js', imports: /(?:\bfrom |\bimport |\bimport\(|\brequire\()["'](\.[^"']+)\.js["']/g }

/** @type {Kind} */
export const declarations = { extension: '.d.ts', imports: /(?:\bfrom |\bimport |\bimport\()["'](\.[^"']+)\.js["']/g }

/**
 * The entry points and everything they import, by path below the folder.
 * @param {string} folder
 * @param {Kind} kind
 * @param {readonly string[]} [also] further files to begin with, without extension
 * @returns {Promise<Set<string>>}
 */
export async function filesOf(folder, { extension, imports }, also = []) {
  /** @type {Set<string>} */
  const found = new Set()
  const waiting = [...ENTRIES.map(stemOf), ...also].map(stem => `${stem}${extension}`)
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue
    found.add(path)
    const text = await readFile(join(folder, path), 'utf8')
    for (const [, specifier] of text.matchAll(imports)) {
      waiting.push(normalize(join(dirname(path), `${specifier}${extension}`)))
    }
  }
  return found
}
