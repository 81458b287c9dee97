// @ts-check
import { readdir } from 'node:fs/promises'
import { prepare } from '../scripts/prepare.js'

/** The most that all of it may take, in ms, once everything is installed and built. */
const LIMIT = 30_000

/** The store that the command line names. @param {string[]} args */
async function choose([option = '--sqlite', address]) {
  const folder = new URL('./stores/', import.meta.url)
  const names = (await readdir(folder)).filter(file => file.endsWith('.js')).map(file => file.slice(0, -3))
  const name = names.find(one => option === `--${one}`)
  if (name === undefined) {
    const usage = names.map(one => `--${one}`).join(', ')
    throw new Error(`The demo does not know "${option}". It knows ${usage}.`)
  }
  return { name, address }
}

/** Installs and builds where needed, and says so where it takes a while. */
async function getReady() {
  const notice = setTimeout(() => console.log('Installing and building first. This is done once.\n'), 300)
  await prepare({ build: true }).finally(() => clearTimeout(notice))
}

/**
 * Plays the demo; gives the exit status: 0 only if all of it held.
 * @param {string[]} args those of the command line
 * @param {Partial<import('./story.js').Scene>} [scene] what is to be other than usual
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
  // Not before: what it imports may have had to be installed and built.
  const [{ tell }, { Stage }] = await Promise.all([import('./story.js'), import('./stage.js')])
  const stage = await Stage.set(name, address)
  const stop = (/** @type {string} */ reason, /** @type {number} */ status) => {
    console.error(`\n${reason}`)
    stage.clear().finally(() => process.exit(status))
  }
  const late = setTimeout(stop, LIMIT, `Stopped: it took longer than ${LIMIT / 1000} s.`, 1)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop('Stopped.', 130))
  try {
    return await tell({ stage, output: process.stdout, ...scene })
  } finally {
    clearTimeout(late)
    await stage.clear()
  }
}
