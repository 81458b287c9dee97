// @ts-check
// Builds the documentation site into site/.build/html: the pages of docs/ with local search, the API reference, llms.txt.
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, posix, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { pages } from '../site/pages.js'
import { fileOf, REPOSITORY, ROOT_PAGES } from './addresses.js'
import { ENTRIES } from './entries.js'
import { install } from './install.js'
import { root, runOrThrow } from './run.js'

const site = join(root, 'site')
const folder = join(root, 'site/.build')
const source = join(folder, 'pages')

/** @param {string} path */
const exists = path => stat(path).then(Boolean, () => false)

/** A program that npm installed for the site. @param {string} name */
const program = name => join(site, 'node_modules/.bin', name)

/** The path of a file of the repository in the site, or `undefined` if it is not a page. @param {string} path */
function placeOf(path) {
  const [, below] = /^docs\/(.*\.(?:md|svg|png))$/.exec(path) ?? []
  return below ?? ROOT_PAGES[path]
}

/** The file of the repository that a link points at. @param {string} target @param {string} path the page of the link */
const linkedFile = (target, path) =>
  /^[a-z]+:/.test(target) ? fileOf(target) : posix.normalize(posix.join(posix.dirname(path), target))

/**
 * Rewrites the links of a page from the repository's layout to the site's: relative ones, and those to the site's own
 * address. A link to a file that is not a page becomes a link to the repository.
 * @param {string} text
 * @param {string} path the page, relative to the root
 */
export function withSiteLinks(text, path) {
  const from = posix.dirname(placeOf(path) ?? '')
  return text.replaceAll(/(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)/g, (all, image, label, target, hash = '') => {
    const file = linkedFile(target, path)
    if (file === undefined) return all
    const place = placeOf(file)
    if (place !== undefined) return `${image}[${label}](./${posix.relative(from, place)}${hash})`
    return `${image}[${label}](${REPOSITORY}/blob/main/${file}${hash})`
  })
}

/** Comments are notes to the tests and not part of the site, which shows no HTML. @param {string} page */
const withoutNotes = page => page.replaceAll(/^ *<!--.*-->\n/gm, '')

async function copyPages() {
  const docs = (await readdir(join(root, 'docs'), { recursive: true })).map(name => `docs/${name}`)
  for (const path of [...docs, ...Object.keys(ROOT_PAGES)]) {
    const place = placeOf(path)
    if (place === undefined || !(await exists(join(root, path)))) continue
    const target = join(source, place)
    await mkdir(dirname(target), { recursive: true })
    if (!path.endsWith('.md')) await cp(join(root, path), target)
    else await writeFile(target, withSiteLinks(withoutNotes(await readFile(join(root, path), 'utf8')), path))
  }
}

/** The sidebar must name every page and nothing else. */
async function checkSidebar() {
  const files = (await readdir(source, { recursive: true })).filter(
    name => name.endsWith('.md') && !name.startsWith('api/'),
  )
  const listed = pages
    .flatMap(({ entries }) => entries.map(([, path]) => path))
    .filter(path => !path.startsWith('api/'))
  const names = files.map(name => (name === 'index.md' ? '' : name.slice(0, -'.md'.length)))
  const missing = names.filter(name => !listed.includes(name))
  const unknown = listed.filter(path => !names.includes(path))
  if (missing.length + unknown.length === 0) return
  throw new Error(
    `site/pages.js does not list the pages: ${missing.join(', ')}; and lists none of: ${unknown.join(', ')}`,
  )
}

async function buildReference() {
  const sources = ENTRIES.map(({ source: file }) => relative(site, join(root, 'src', file)))
  const args = ['--options', 'typedoc.json', '--out', join(source, 'api'), ...sources]
  await runOrThrow(program('typedoc'), args, { cwd: site })
}

export async function buildDocs() {
  await install()
  if (!(await exists(program('vitepress')))) {
    await runOrThrow('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: site })
  }
  await rm(source, { recursive: true, force: true })
  await mkdir(source, { recursive: true })
  await copyPages()
  await checkSidebar()
  await buildReference()
  // Dead links fail this build.
  await runOrThrow(program('vitepress'), ['build', '.'], { cwd: site })
  return join(folder, 'html')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    console.log(`The site is in ${relative(root, await buildDocs())}.`)
  } catch (error) {
    console.error(/** @type {Error} */ (error).message)
    process.exitCode = 1
  }
}
