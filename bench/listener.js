// @ts-check
import { start } from './in-process.js'

/** Starts a task that reports when it saw what. @param {string} task below `tasks` @param {string[]} args */
export async function startListener(task, args) {
  const child = start(new URL(`./tasks/${task}.js`, import.meta.url), args)
  await new Promise((resolve, reject) => child.once('message', resolve).once('exit', reject))
  return {
    /**
     * When it saw the message with that id, on the clock that the processes share. @param {string | number} id @returns
     * {Promise<bigint>}
     */
    seen: id =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('The listening process does not answer.')), 15_000)
        /** @param {any} message */
        const listener = message => {
          if (message.id !== id) return
          clearTimeout(late)
          child.off('message', listener)
          resolve(BigInt(message.at))
        }
        child.on('message', listener)
      }),
    end: () => new Promise(resolve => child.once('exit', resolve).kill()),
  }
}
