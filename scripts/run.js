// @ts-check
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The repository's root. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** Names a command that npm installed with the dependencies. @param {string} name */
export const installed = name => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))

/**
 * Runs a command at the root and gives its exit code, its standard output, and that with its standard error (nothing of
 * either where `stdio` is 'inherit').
 * @param {string} command
 * @param {string[]} args
 * @param {{ stdio?: 'pipe' | 'inherit', cwd?: string, env?: Record<string, string | undefined> }} [options]
 * @returns {Promise<{ code: number, stdout: string, output: string }>}
 */
export function run(command, args, { stdio = 'pipe', cwd = root, env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    // npm and what it installs are command files on Windows, which only a shell can start.
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
 * Gives the command's standard output, or rejects with all that it printed where it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
 */
export async function runOrThrow(command, args, options) {
  const { code, stdout, output } = await run(command, args, options)
  if (code !== 0) throw new Error(`${output.trimEnd()}\n${command} ${args.join(' ')}: exit status ${code}`)
  return stdout
}
