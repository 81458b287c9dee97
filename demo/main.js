// @ts-check
import { readdir } from 'node:fs/promises'
import { prepare } from '../scripts/prepare.js'

/** The time limit of the whole demo, in ms, once everything is installed and built. */
const LIMIT = 30_000

/** The store named on the command line. @param {string[]} args */
async function choose([option = '--sqlite', address]) {
  const folder = new URL('./stores/', import.meta.url)
  const names = (await readdir(folder)).filter(file => file.endsWith('.js')).map(file => file.slice(0, -3))
  const name = names.find(one => option === `--${one}`)
  if (name === undefined) {
    const usage = names.map(one => `--${one}`).join(', ')
    throw new Error(`Unknown option "${option}". Choose a store: ${usage}.`)
  }
  return { name, address }
}

/** Installs and builds if needed, and reports it if it takes a while. */
async function getReady() {
  const notice = setTimeout(() => console.log('Installing and building first, only this once.\n'), 300)
  await prepare({ build: true }).finally(() => clearTimeout(notice))
}

/**
 * Plays the demo and returns the exit status: 0 only if every check passed.
 * @param {string[]} args of the command line
 * @param {Partial<import('./story.js').Scene>} [scene] overrides for tests
 */
export async function main(args, scene) {
  try {
    return (await play(args, scene)) ? 0 : 1
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 1
  }
}

/** @param {string[]} args @param {Partial<import('./story.js').Scene>} [scene] */
async function play(args, scene) {
  const { name, address } = await choose(args)
  await getReady()
  // Imported late: its dependencies may have to be installed and built first.
  const [{ tell }, { Stage }] = await Promise.all([import('./story.js'), import('./stage.js')])
  const stage = await Stage.set(name, address)
  const stop = (/** @type {string} */ reason, /** @type {number} */ status) => {
    console.error(`\n${reason}`)
    stage.clear().finally(() => process.exit(status))
  }
  const late = setTimeout(stop, LIMIT, `Stopped: the demo took longer than ${LIMIT / 1000} s.`, 1)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop('Stopped.', 130))
  try {
    return await tell({ stage, output: process.stdout, ...scene })
  } finally {
    clearTimeout(late)
    await stage.clear()
  }
}
