// @ts-check
// The prose of a file: the paragraphs of a page, the comments and messages of a program, the titles of its tests. Everything else is
// replaced by spaces, so that a place in the prose is a place in the file.
import { parseSync } from 'rolldown/utils'

/** Prose, and its position in the file. @typedef {{ text: string, at: number }} Piece */

/** @typedef {Record<string, any> & { type: string, start: number, end: number }} Node */

const TITLED = /^(test|it|describe|conform)$/

const SQL = /^\s*(?:--.*\s*)*(CREATE|SELECT|INSERT|UPDATE|DELETE|ALTER|DROP|GRANT|SET|WITH|DO|BEGIN|DECLARE)\s/

/** Spaces in place of the text, with its line ends. @param {string} text */
const blank = text => text.replace(/[^\n]/g, ' ')

/** Replaces code, a link's address or a tag with one word of the same length. @param {string} text */
const hideMarkup = text =>
  text
    .replace(/`[^`]*`/g, code => `\`${code.slice(1, -1).replace(/[^\n]/g, 'x')}\``)
    .replace(/\]\([^)\s]*\)/g, link => `]${blank(link.slice(1))}`)
    .replace(/<!--[\s\S]*?-->|<[a-z/][^>]*>/g, blank)

/** Splits the text before each line that matches. @param {string} text @param {RegExp} beginning @returns {Piece[]} */
function split(text, beginning) {
  /** @type {Piece[]} */
  const pieces = []
  let at = 0
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const last = pieces.at(-1)
    if (last && !beginning.test(line)) last.text += line
    else pieces.push({ text: line, at })
    at += line.length
  }
  return pieces.flatMap(({ text, at }) => (/^\s*\|/.test(text) ? cells(text, at) : [{ text, at }]))
}

/** @param {string} row of a table @param {number} at @returns {Piece[]} */
const cells = (row, at) => [...row.matchAll(/[^|]+/g)].map(cell => ({ text: cell[0], at: at + cell.index }))

/** The paragraphs, list items and cells of Markdown. @param {string} page @returns {Piece[]} */
export function proseOfPage(page) {
  const withoutCode = page
    .replace(/^( *)(```+|~~~+)[\s\S]*?^\1\2/gm, hideCode)
    .replace(/(?<=\n\n)(?: {4}.*\n)+/g, blank)
  return split(hideMarkup(withoutCode), /^\s*($|[-*|#>]|\d+\.)/)
}

/** Comments in examples are also prose. @param {string} block */
const hideCode = block =>
  block.replace(/[^\n]+/g, line => {
    const comment = /(?<=^|\s)\/\/ (?!@)(?=[A-Z].*\.$)/.exec(line)
    return comment ? `${blank(line.slice(0, comment.index))}   ${line.slice(comment.index + 3)}` : blank(line)
  })

/** @param {string} path @param {string} source @returns {Piece[]} */
export function proseOfProgram(path, source) {
  const { program, comments } = parseSync(path, source)
  return [...joined(comments, source).flatMap(proseOfComment), ...stringsOf(program, path)]
}

/** Consecutive line comments are one text. @param {readonly { start: number, end: number }[]} comments @param {string} source */
function joined(comments, source) {
  /** @type {Piece[]} */
  const pieces = []
  for (const { start, end } of comments) {
    const [last, text] = [pieces.at(-1), source.slice(start, end)]
    const between = last && source.slice(last.at + last.text.length, start)
    if (last && text.startsWith('//') && last.text.startsWith('//') && /^\n[ ]*$/.test(between ?? '')) {
      last.text += between + text
    } else pieces.push({ text, at: start })
  }
  return pieces
}

/** @param {Piece} comment @returns {Piece[]} */
function proseOfComment({ text, at }) {
  if (/biome-ignore|@ts-|^#!/.test(text)) return []
  const bare = text
    .replace(/^\/\*+|\*+\/$|^[ ]*\/\/|^[ ]*\*(?!\*)/gm, blank)
    .replace(/```[\s\S]*?```/g, blank)
    .replace(/@example[\s\S]*?(?=^\s*@|$(?![\s\S]))/gm, blank)
    .replace(
      /@(param|returns?|type|typedef|property|template|throws|import)\b[^{\n]*\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}/g,
      tag => `@${blank(tag.slice(1))}`,
    )
    .replace(/\{@\w+ ([^}|]*)(\|[^}]*)?\}/g, link => `\`${'x'.repeat(link.length - 2)}\``)
  return split(hideMarkup(bare), /^\s*($|@|[-*|] |\d+\.)/).flatMap(piece => atTags(piece, at))
}

/** A tag in the middle of a line begins a new text. @param {Piece} piece @param {number} offset */
const atTags = (piece, offset) =>
  [...piece.text.matchAll(/(?:^|@)[^@]*/g)].map(part => ({ text: part[0], at: offset + piece.at + part.index }))

/** Messages of programs and titles of tests. @param {Node} program @param {string} path @returns {Piece[]} */
function stringsOf(program, path) {
  /** @type {Piece[]} */
  const pieces = []
  const isTest = path.startsWith('test/')
  walk(program, node => {
    if (node.type === 'CallExpression' && TITLED.test(rootOf(node.callee))) add(node.arguments[0])
    if (node.type === 'Property' && path.startsWith('src/conformance/')) add(node.key)
    if (!isTest) add(node)
  })
  return pieces

  /** @param {Node | undefined} node */
  function add(node) {
    const text = node && textOf(node)
    if (text && !SQL.test(text) && /[a-z]+ \S*[a-z]+ \S*[a-z]/.test(text))
      pieces.push({ text, at: /** @type {Node} */ (node).start })
  }
}

/** @param {Node} node */
function textOf(node) {
  if (node.type === 'Literal' && typeof node.value === 'string') return hideMarkup(node.value)
  if (node.type !== 'TemplateLiteral') return
  return hideMarkup(node.quasis.map((/** @type {Node} */ part) => part.value.raw).join('_'))
}

/** The first name of a call: `test` of `test.each(rows)(…)`. @param {Node} callee @returns {string} */
function rootOf(callee) {
  if (callee.type === 'CallExpression') return rootOf(callee.callee)
  return callee.type === 'MemberExpression' ? rootOf(callee.object) : (callee.name ?? '')
}

/** @param {any} value @param {(node: Node) => void} visit */
function walk(value, visit) {
  if (typeof value !== 'object' || value === null) return
  if (typeof value.type === 'string') visit(value)
  for (const child of Object.values(value)) walk(child, visit)
}
