// @ts-check
/** @import { DockerSpec } from './types.js' */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const ANSWERS_WITHIN = 3_000

/** Whether Docker's engine responds, not only its client. */
export async function dockerAnswers() {
  const asked = promisify(execFile)('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: ANSWERS_WITHIN })
  return asked.then(
    ({ stdout }) => stdout.trim() !== '',
    () => false,
  )
}

/**
 * The command that runs a container in the foreground.
 * @param {DockerSpec} docker @param {string} name @param {number} port
 */
export function dockerCommand({ image, port: inside, options = [], args = [] }, name, port) {
  const run = ['docker', 'run', '--rm', '--init', '--name', name, '-p', `127.0.0.1:${port}:${inside}`]
  return [...run, ...options, image, ...args]
}
