import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fileOf, ROOT_PAGES, SITE } from '../../scripts/addresses.js'
import { root } from '../../scripts/run.js'
import { DOCS } from '../../src/warnings/docs.js'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const filesBelow = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(path => `${folder}/${path}`)

const { files, bugs, repository } = JSON.parse(read('package.json'))

/** The texts that npm packs: the listed files and those that it always packs. */
const PACKED = ['README.md', 'LICENSE', 'package.json', ...(files as string[])]
const TEXTS = PACKED.filter(path => path.endsWith('.md'))
const PAGES = [...Object.keys(ROOT_PAGES), ...filesBelow('docs').filter(path => path.endsWith('.md'))]
const SOURCES = filesBelow('src').filter(path => path.endsWith('.ts'))

/** The targets of Markdown links outside code, without their anchors. */
function linksOf(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return Array.from(
    prose.matchAll(/\]\(([^)#\s]+)[^)]*\)|^\[[^\]]+\]:\s*([^#\s]+)/gm),
    ([, one, two]) => one ?? two ?? '',
  )
}

const addressesOf = (text: string) => text.match(/https:\/\/[^\s"'`)<>\]}]+/g) ?? []
const isRelative = (target: string) => !/^[a-z]+:/.test(target)
const isPacked = (path: string) => PACKED.some(packed => path === packed || path.startsWith(`${packed}/`))

/** The addresses that point at missing files of this repository. */
const deadAddresses = (text: string) =>
  addressesOf(text).filter(address => {
    const file = fileOf(address.replace(/[.,;:]+$/, ''))
    return file !== undefined && !existsSync(join(root, file))
  })

describe('the links of the package', () => {
  test.each(TEXTS)('%s has relative links only to files that npm packs', path => {
    const dead = linksOf(read(path)).filter(
      target => isRelative(target) && !isPacked(posix.join(posix.dirname(path), target)),
    )
    expect(dead).toEqual([])
  })

  test('the declarations have no relative links', () => {
    const dead = SOURCES.flatMap(path =>
      linksOf(read(path)).filter(target => /\.md$/.test(target) && isRelative(target)),
    )
    expect(dead).toEqual([])
  })

  test('package.json names one repository', () => {
    expect(bugs).toBe(`${repository.url.slice('git+'.length, -'.git'.length)}/issues`)
  })
})

describe('the links of the repository', () => {
  test.each(PAGES)('%s has relative links only to files that exist', path => {
    const dead = linksOf(read(path)).filter(
      target => isRelative(target) && !existsSync(join(root, posix.dirname(path), target)),
    )
    expect(dead).toEqual([])
  })

  test.each(PAGES)('%s has addresses only of pages and files that exist', path => {
    expect(deadAddresses(read(path))).toEqual([])
  })
})

describe('messages', () => {
  test('link to documentation pages by the address of the site', () => {
    expect(`${DOCS}/`).toBe(SITE)
    expect(SOURCES.filter(path => /\bdocs\/[\w/-]+\.md\b/.test(read(path)))).toEqual([])
  })

  test('name only pages that exist', () => {
    const pages = SOURCES.flatMap(path => [...read(path).matchAll(/\$\{DOCS\}\/([\w/-]+\.html)(?:#([\w-]+))?/g)])
    expect(pages.length).toBeGreaterThan(0)
    for (const [, page, anchor] of pages) {
      const text = read(fileOf(`${SITE}${page}`) as string)
      const anchors = Array.from(text.matchAll(/^#+ (.+)$/gm), ([, title]) => slugOf(title ?? ''))
      if (anchor !== undefined) expect(anchors).toContain(anchor)
    }
  })
})

function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(/\s+/g, '-')
}
