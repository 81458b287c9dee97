// @ts-check
import { readdir } from 'node:fs/promises'

const folder = new URL('./suites/', import.meta.url)

/** The names of all suites: one file each. */
export async function suiteNames() {
  return (await readdir(folder))
    .filter(file => file.endsWith('.js'))
    .map(file => file.slice(0, -3))
    .sort()
}

/** @param {string} name @returns {Promise<import('./types.js').Suite>} */
export async function loadSuite(name) {
  return (await import(new URL(`${name}.js`, folder).href)).suite
}
