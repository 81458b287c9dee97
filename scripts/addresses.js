// @ts-check
// Which file of the repository a public address means: a page of the documentation site, or a file on the repository's host.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.js'

const { homepage, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The repository, as a browser opens it. @type {string} */
export const REPOSITORY = repository.url.replace(/^git\+/, '').replace(/\.git$/, '')

/** The documentation site, with a slash at the end. @type {string} */
export const SITE = homepage

/** Texts at the root that are also pages of the site; the README is its home page. */
export const ROOT_PAGES = /** @type {Readonly<Record<string, string>>} */ ({
  'README.md': 'index.md',
  'ARCHITECTURE.md': 'ARCHITECTURE.md',
  'CHANGELOG.md': 'CHANGELOG.md',
  'CONTRIBUTING.md': 'CONTRIBUTING.md',
  'SECURITY.md': 'SECURITY.md',
})

/** @param {string} page below the site, such as `model/prisma.html` */
function fileOfPage(page) {
  const place = `${page === '' ? 'index' : page.replace(/\.html$/, '')}.md`
  const [atRoot] = Object.entries(ROOT_PAGES).find(([, here]) => here === place) ?? []
  return atRoot ?? `docs/${place}`
}

/**
 * The file of the repository that an address points at; `undefined` for an address elsewhere, and for the generated API
 * reference.
 * @param {string} address
 * @returns {string | undefined}
 */
export function fileOf(address) {
  const [plain = ''] = address.split('#')
  if (plain.startsWith(`${SITE}api/`)) return undefined
  if (plain.startsWith(SITE)) return fileOfPage(plain.slice(SITE.length))
  if (!plain.startsWith(`${REPOSITORY}/`)) return undefined
  return /^(?:blob|tree|raw)\/[^/]+\/(.+)$/.exec(plain.slice(REPOSITORY.length + 1))?.[1]
}
