import { runInNewContext } from 'node:vm'

/** A piece of code on a page. */
export interface Snippet {
  readonly page: string
  /** The line of the page on which the code begins, from 1. */
  readonly line: number
  readonly language: 'ts' | 'js'
  /** Includes the code of the snippets that it continues. */
  readonly code: string
  /** The reason on the page for not running it. */
  readonly notRun: string | undefined
  /** Code that the test runs after it and readers do not see: checks, and closing what the snippet leaves open. */
  readonly afterwards?: string
}

const FENCE = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/
const COMMENT = /^\s*<!--\s*(.*?)\s*-->\s*$/
const AFTERWARDS = /^<!--\s*afterwards:\s*(.+?)\s*-->$/

/**
 * The snippets of a page: every fence marked `ts`, `js`, `typescript` or `javascript`. A comment on the line before it
 * controls it: `<!-- not run: reason -->` or `<!-- continues -->`. The code of a comment `<!-- afterwards: code -->` on
 * a line after it runs after it.
 */
export function snippetsOf(page: string, text: string): Snippet[] {
  const lines = text.split('\n')
  const found: Snippet[] = []
  let mark = ''
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] as string
    const fence = FENCE.exec(line)
    if (!fence) {
      const [, afterwards] = AFTERWARDS.exec(line.trim()) ?? []
      if (afterwards) found.push({ ...lastOf(found, page, index + 1), afterwards })
      else if (line.trim() !== '') mark = COMMENT.exec(line)?.[1] ?? ''
      continue
    }
    const end = endOf(lines, index, fence[2] as string, page)
    const language = languageOf(fence[3] as string)
    if (language) found.push(snippet(page, index + 2, language, lines.slice(index + 1, end), mark, found.at(-1)))
    mark = ''
    index = end
  }
  return found
}

/** Removes and returns the last snippet of the list. */
function lastOf(found: Snippet[], page: string, line: number): Snippet {
  const last = found.pop()
  if (!last) throw new Error(`${page}:${line}: there is no snippet that this could be run after.`)
  return last
}

function endOf(lines: readonly string[], start: number, fence: string, page: string): number {
  const end = lines.findIndex((line, index) => index > start && line.trim() === fence)
  if (end < 0) throw new Error(`${page}:${start + 1}: the code that begins here does not end.`)
  return end
}

function languageOf(name: string): 'ts' | 'js' | undefined {
  if (name === 'ts' || name === 'typescript') return 'ts'
  return name === 'js' || name === 'javascript' ? 'js' : undefined
}

function snippet(
  page: string,
  line: number,
  language: 'ts' | 'js',
  lines: readonly string[],
  mark: string,
  before: Snippet | undefined,
): Snippet {
  const notRun = /^not run:\s*(.+)$/.exec(mark)?.[1]
  if (mark.startsWith('not run') && !notRun) throw new Error(`${page}:${line}: say why it is not run.`)
  if (mark === 'continues' && !before) throw new Error(`${page}:${line}: there is nothing that it could continue.`)
  const code = mark === 'continues' ? `${before?.code}\n${lines.join('\n')}` : lines.join('\n')
  return { page, line, language, code, notRun: notRun ?? (mark === 'continues' ? before?.notRun : undefined) }
}

/** An expression statement on a line of its own, and the comment after it. */
const CLAIM =
  /^(?!(?:import|export|const|let|var|if|for|while|return|throw|try|class|function|async|type|interface|\/\/)\b)([\w$(].*\S)\s+\/\/ (.+)$/

const PRINTED = /^(\s*)console\.log\((.*)\)\s+\/\/ (.+)$/

/**
 * Turns `expression // value` and `console.log(…) // what it prints` into checks of the page's claims, and leaves other
 * comments alone. `__expect` and `__format` must be in scope.
 */
export function withClaimsChecked(code: string): string {
  return code
    .split('\n')
    .map(line => {
      const [, indent, printed, output] = PRINTED.exec(line) ?? []
      if (printed && output) return `${indent}__expect(__format(${printed})).toBe(${JSON.stringify(output)})`
      const [, expression, comment] = CLAIM.exec(line) ?? []
      const value = comment && literalAtStart(comment)
      if (!expression || !value || /[{(,;]$/.test(expression)) return line
      return `__expect(${expression}).toEqual(${value}) // ${comment}`
    })
    .join('\n')
}

/** The longest beginning of the comment that is a JavaScript value: `'dark': checked first` begins with `'dark'`. */
export function literalAtStart(comment: string): string | undefined {
  const ends = [comment.length]
  for (const { index } of comment.matchAll(/[:,;.]/g)) ends.push(index)
  return ends
    .map(end => comment.slice(0, end).trim())
    .sort((left, right) => right.length - left.length)
    .find(isLiteral)
}

function isLiteral(text: string): boolean {
  if (!/^(['"`[{\d-]|true\b|false\b|null\b|undefined\b|new )/.test(text)) return false
  try {
    runInNewContext(`(${text})`)
    return true
  } catch {
    return false
  }
}
