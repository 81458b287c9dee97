// @ts-check
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './run.js'

/** The folder of downloads that are kept for later runs. */
export function cacheFolder() {
  const { XDG_CACHE_HOME } = process.env
  return XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'durabledict') : join(root, '.cache')
}

/** @param {string} path */
const exists = path =>
  stat(path).then(
    () => true,
    () => false,
  )

/**
 * The cache's folder of that name, filled by `fill` if it is missing. It appears complete or not at all: concurrent
 * processes fill separate folders, and the first one is kept.
 * @param {string} name
 * @param {(folder: string) => Promise<unknown>} fill
 */
export async function cached(name, fill) {
  const folder = join(cacheFolder(), name)
  if (await exists(folder)) return folder
  await mkdir(cacheFolder(), { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  try {
    await fill(draft)
    await rename(draft, folder).catch(async error => {
      if (!(await exists(folder))) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return folder
}
