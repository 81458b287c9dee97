// @ts-check
// Writes the version of package.json to the other places that state it: `npm run release:version`.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './run.js'

/** The changelog, with the unreleased changes under the version. @param {string} changelog @param {string} version */
export function withRelease(changelog, version) {
  if (changelog.includes(`\n## ${version}\n`)) return changelog
  return changelog.replace('\n## Unreleased\n', `\n## Unreleased\n\n## ${version}\n`)
}

/** @param {string} source @param {string} version */
export const withVersion = (source, version) => source.replace(/VERSION = '[^']*'/, `VERSION = '${version}'`)

/** @param {string} path @param {(text: string) => string} change */
async function rewrite(path, change) {
  await writeFile(join(root, path), change(await readFile(join(root, path), 'utf8')))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  await rewrite('CHANGELOG.md', text => withRelease(text, version))
  await rewrite('src/version.ts', text => withVersion(text, version))
}
