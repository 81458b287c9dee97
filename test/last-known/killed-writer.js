// @ts-check
// Replaces a last known file and kills itself at a step: before or after a call of the file system, or after some bytes of the text.
// With the step "loop" it replaces the file until someone else kills it.
import fs from 'node:fs'
import { replaceFile } from '../../dist/last-known/write-file.js'

const [file = '', step = '', count = '0'] = process.argv.slice(2)

const die = () => process.kill(process.pid, 'SIGKILL')

/** @param {number} generation */
const contentOf = generation => ({
  name: 'settings',
  encoding: 'RichEncoding',
  at: Date.now(),
  state: {
    *walk() {
      for (let n = 0; n < 1_000; n += 1) yield `key ${n}`
    },
    stored: () => `"generation ${generation}"`,
  },
})

const { open, rename } = fs.promises
let left = Number(count)
fs.promises.open = async (path, flags, mode) => {
  if (step === 'before open' && flags === 'wx') die()
  const handle = await open(path, flags, mode)
  if (flags !== 'wx') return handle
  if (step === 'after open') die()
  const writeFile = handle.writeFile.bind(handle)
  handle.writeFile = async (/** @type {any} */ data) => {
    if (step === 'bytes' && left < data.length) {
      await writeFile(data.subarray(0, left))
      die()
    }
    left -= data.length
    await writeFile(data)
  }
  const sync = handle.sync.bind(handle)
  handle.sync = async () => {
    if (step === 'before sync') die()
    await sync()
    if (step === 'after sync') die()
  }
  return handle
}
fs.promises.rename = async (from, to) => {
  await rename(from, to)
  if (step === 'after rename') die()
}

let generation = 1
do {
  await replaceFile(file, contentOf(generation))
  if (generation === 1 && step === 'loop') fs.writeSync(1, 'ready\n')
  generation += 1
} while (step === 'loop')
