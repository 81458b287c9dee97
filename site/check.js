// Opens the built documentation site in a real browser: every page renders without an error, every internal link leads
// to a page and an anchor that exist, and the local search finds what it should.
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { buildDocs } from '../scripts/docs.js'
import { root, run } from '../scripts/run.js'

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

/** Serves a folder on 127.0.0.1. */
async function serve(folder) {
  const server = createServer(async ({ url = '/' }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, 'http://site').pathname))
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
    const found = await stat(file).then(
      one => one.isFile(),
      () => false,
    )
    if (!found) return void response.writeHead(404).end()
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': type })
    createReadStream(file).pipe(response)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  return { server, url: `http://127.0.0.1:${address.port}` }
}

async function findChromium() {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const { code, stdout } = await run('which', [name])
    if (code === 0) return stdout.trim()
  }
  throw new Error('This check needs Chromium: install the package "chromium", then run it again.')
}

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-sync',
  '--disable-component-update',
]

async function launch(folder) {
  const require = createRequire(join(root, 'site/package.json'))
  const { chromium } = require('playwright-core')
  return chromium.launchPersistentContext(folder, { executablePath: await findChromium(), args: FLAGS, headless: true })
}

/** The anchors of each page, by its path. */
async function anchorsByPage(html) {
  const files = (await readdir(html, { recursive: true })).filter(name => name.endsWith('.html'))
  const entries = files.map(async name => {
    const text = await readFile(join(html, name), 'utf8')
    return /** @type {const} */ ([`/${name}`, new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id))])
  })
  return new Map(await Promise.all(entries))
}

/** What is wrong with the links of a page. */
function deadLinks(at, links, anchors) {
  return links.flatMap(link => {
    const { pathname, hash } = new URL(link)
    const file = pathname.endsWith('/') ? `${pathname}index.html` : pathname
    const page = anchors.get(decodeURIComponent(file))
    if (page === undefined)
      return extname(file) === '.html' || extname(file) === ''
        ? [`${at} links to ${pathname}, which does not exist`]
        : []
    const anchor = decodeURIComponent(hash.slice(1))
    return anchor === '' || page.has(anchor) ? [] : [`${at} links to ${pathname}${hash}, which has no such anchor`]
  })
}

async function checkPages(page, url, anchors) {
  /** @type {string[]} */
  const problems = []
  page.on('pageerror', error => problems.push(`${page.url()}: ${error.message}`))
  page.on('response', answer => {
    if (answer.status() >= 400) problems.push(`${page.url()}: ${answer.url()} answered ${answer.status()}`)
  })
  for (const path of anchors.keys()) {
    if (path === '/404.html') continue
    await page.goto(url + path, { waitUntil: 'load' })
    if ((await page.locator('main h1').count()) === 0) problems.push(`${path} has no heading`)
    const links = await page.$$eval('main a[href]', all => all.map(one => one.href))
    problems.push(
      ...deadLinks(
        path,
        links.filter(link => link.startsWith(url)),
        anchors,
      ),
    )
  }
  return problems
}

/** The local search finds a page by a word of its text. */
async function checkSearch(page, url) {
  await page.goto(url, { waitUntil: 'load' })
  await page.locator('.VPNavBarSearch button').first().click()
  await page.locator('#localsearch-input').fill('maxStaleness')
  await page.locator('.results a.result').first().waitFor({ timeout: 20_000 })
  await page.locator('.results a.result').first().click()
  await page.waitForURL(address => address.pathname !== '/')
}

const html = await buildDocs()
const { server, url } = await serve(html)
const folder = await mkdtemp(join(tmpdir(), 'durabledict-site-'))
const browser = await launch(folder)
try {
  const page = await browser.newPage()
  const anchors = await anchorsByPage(html)
  const problems = await checkPages(page, url, anchors)
  await checkSearch(page, url)
  for (const problem of problems) console.error(problem)
  if (!(await stat(join(html, 'llms.txt')).then(Boolean, () => false))) problems.push('llms.txt is missing')
  console.log(`${anchors.size} pages, ${problems.length} problems`)
  process.exitCode = problems.length === 0 ? 0 : 1
  if (process.argv.includes('--screenshots')) {
    await page.setViewportSize({ width: 1200, height: 900 })
    for (const path of ['/', '/guide.html', '/redis.html', '/api/']) {
      await page.goto(url + path)
      await page.screenshot({ path: join(root, 'site/.build', `screenshot-${path.replaceAll(/\W+/g, '-')}.png`) })
    }
  }
} finally {
  await browser.close()
  server.close()
  await rm(folder, { recursive: true, force: true })
}
