// @ts-check
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const FLAGS = ['--expose-gc', '--disable-warning=ExperimentalWarning']

/**
 * Starts a task in a separate process, which ends with this one.
 * @param {URL} task
 * @param {string[]} args
 * @param {string} [node] the Node to run it; default: the running one
 */
export function start(task, args, node = process.execPath) {
  const child = fork(fileURLToPath(task), args, { execPath: node, execArgv: FLAGS })
  const end = () => child.kill()
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  return child
}

/**
 * Runs a task in its own process and resolves with what it sends. Rejects if the process ends before it sends anything.
 * @param {URL} task
 * @param {string[]} args
 * @param {string} [node]
 * @returns {Promise<unknown>}
 */
export function inProcess(task, args, node) {
  return new Promise((resolve, reject) => {
    const child = start(task, args, node)
    child.once('message', resolve)
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`${task.pathname} ${args.join(' ')} ended with ${code}.`)))
  })
}
