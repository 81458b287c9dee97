// @ts-check
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** The path of a command that npm installed with the dependencies. @param {string} name */
export const installed = name => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))

/**
 * Runs a command at the root and returns its exit code, its standard output, and that with its standard error (both
 * empty if `stdio` is 'inherit').
 * @param {string} command
 * @param {string[]} args
 * @param {{ stdio?: 'pipe' | 'inherit', cwd?: string, env?: Record<string, string | undefined> }} [options]
 * @returns {Promise<{ code: number, stdout: string, output: string }>}
 */
export function run(command, args, { stdio = 'pipe', cwd = root, env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    // On Windows, npm and the commands it installs are batch files, which only a shell can start.
    const shell = process.platform === 'win32' && command !== process.execPath
    const child = spawn(command, args, { cwd, env, shell, stdio: ['ignore', stdio, stdio] })
    let stdout = ''
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', text => {
      stdout += text
      output += text
    })
    child.stderr?.setEncoding('utf8').on('data', text => {
      output += text
    })
    const endChild = () => child.kill()
    process.once('exit', endChild)
    child.once('error', reject)
    child.once('close', code => {
      process.off('exit', endChild)
      resolve({ code: code ?? 1, stdout, output })
    })
  })
}

/**
 * Returns the command's standard output, or rejects with all its output if it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
 */
export async function runOrThrow(command, args, options) {
  const { code, stdout, output } = await run(command, args, options)
  if (code !== 0) throw new Error(`${output.trimEnd()}\n${command} ${args.join(' ')}: exit status ${code}`)
  return stdout
}
