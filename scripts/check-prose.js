// @ts-check
// Reports phrases that a reader of plain English has to read twice, and long sentences: in pages, comments, messages and titles of tests.
// `node scripts/check-prose.js src/replica docs/guide.md` checks only these, pending ones as well.
import { readdir, readFile, stat } from 'node:fs/promises'
import { relative } from 'node:path'
import { proseOfPage, proseOfProgram } from './prose/extract.js'
import { judge } from './prose/judge.js'
import { PENDING } from './prose/rules.js'
import { root } from './run.js'

const EVERYTHING = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'docs', 'src']
EVERYTHING.push('scripts', 'bench', 'torture', 'test', 'demo', 'site', 'examples')

/** Made by tools, or about bad words. */
const SKIPPED = /(^|\/)(node_modules|lib|dist|cache|\.next|\.cache|\.build)(\/|$)|^scripts\/prose\/rules\.js$/

/** @param {string} path @returns {Promise<string[]>} */
async function filesIn(path) {
  if (SKIPPED.test(path)) return []
  if ((await stat(path)).isFile()) return /\.(md|ts|tsx|js|mjs|cjs)$/.test(path) ? [path] : []
  return (await Promise.all((await readdir(path)).map(name => filesIn(`${path}/${name}`)))).flat()
}

/** The findings of a file, a line each. @param {string} path */
async function check(path) {
  const source = await readFile(path, 'utf8')
  const pieces = path.endsWith('.md') ? proseOfPage(source) : proseOfProgram(path, source)
  return pieces.flatMap(piece =>
    judge(piece.text).map(({ index, words, write }) => {
      const line = source.slice(0, piece.at + index).split('\n').length
      return `${path}:${line}: "${words.replaceAll(/\s+/g, ' ')}": write ${write}`
    }),
  )
}

/** @param {string} path */
const isPending = path => PENDING.some(pending => path === pending || path.startsWith(`${pending}/`))

const asked = process.argv.slice(2).map(path => relative(root, path).replaceAll('\\', '/'))
process.chdir(root)
const files = (await Promise.all((asked.length > 0 ? asked : EVERYTHING).map(filesIn))).flat().sort()
const checked = asked.length > 0 ? files : files.filter(path => !isPending(path))
const findings = (await Promise.all(checked.map(check))).flat()
for (const finding of findings) console.log(finding)
console.log(`Prose: ${findings.length} to rewrite in ${checked.length} files.`)
process.exitCode = findings.length > 0 ? 1 : 0
