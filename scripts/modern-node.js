// @ts-check
import { join } from 'node:path'
import { cached } from './cache.js'
import { runOrThrow } from './run.js'

/**
 * The path of a Node of at least that major version: the running one if it is new enough, and otherwise one from the
 * npm package of prebuilt binaries, downloaded once and kept in the cache.
 * @param {number} major
 */
export async function modernNode(major) {
  if (Number.parseInt(process.versions.node, 10) >= major) return process.execPath
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const folder = await cached(`node-${major}`, draft =>
    runOrThrow('npm', ['install', '--prefix', draft, '--no-save', '--no-audit', '--no-fund', `${name}@${major}`]),
  ).catch(cause => {
    throw new Error(`Node ${major} is required, and npm could not install ${name}@${major}: install it.`, { cause })
  })
  return join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
}
