/** The place of the first fault of a text that is not JSON. */
export interface JsonFault {
  readonly message: string
  readonly offset: number
  readonly line: number
  readonly column: number
}

const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON does not allow them in strings.
  /\s*(?:([{}[\],:])|("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])|(true|false|null)(?!\w)|($))/y

/** What may come next. */
type State = 'value' | 'key or end' | 'key' | 'colon' | 'comma or end' | 'value or end' | 'end'

/** Returns the first fault of a text as JSON, with its place; `undefined` if there is none. */
export function jsonFault(text: string): JsonFault | undefined {
  return isJson(text) ? undefined : faultOf(text)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function faultOf(text: string): JsonFault | undefined {
  const open: ('{' | '[')[] = []
  let state: State = 'value'
  TOKEN.lastIndex = 0
  for (;;) {
    const start = TOKEN.lastIndex
    const found = TOKEN.exec(text)
    if (!found) return faultAt(text, skipSpace(text, start), `Expected ${expected(state)}`)
    const [whole, sign = '', string, number, word, end] = found
    const offset = start + whole.length - (sign || string || number || word || '').length
    if (end !== undefined)
      return state === 'end' ? undefined : faultAt(text, text.length, `Expected ${expected(state)}`)
    const next = step(state, sign, string !== undefined, open)
    if (next === undefined) return faultAt(text, offset, `Expected ${expected(state)}`)
    state = next
  }
}

function step(state: State, sign: string, isString: boolean, open: ('{' | '[')[]): State | undefined {
  const after = () => (open.length > 0 ? 'comma or end' : 'end')
  const close = (bracket: '{' | '[') => {
    if (open.at(-1) !== bracket) return undefined
    open.pop()
    return after()
  }
  if (sign === '}' && (state === 'key or end' || state === 'comma or end')) return close('{')
  if (sign === ']' && (state === 'value or end' || state === 'comma or end')) return close('[')
  if (state === 'value' || state === 'value or end') {
    if (sign === '') return after()
    if (sign !== '{' && sign !== '[') return undefined
    open.push(sign)
    return sign === '{' ? 'key or end' : 'value or end'
  }
  if ((state === 'key' || state === 'key or end') && isString) return 'colon'
  if (state === 'colon' && sign === ':') return 'value'
  if (state === 'comma or end' && sign === ',') return open.at(-1) === '{' ? 'key' : 'value'
  return undefined
}

function expected(state: State): string {
  if (state === 'value' || state === 'value or end')
    return 'a value: "text" in double quotes, a number, true, false, null, [a list] or {"an": "object"}'
  if (state === 'key' || state === 'key or end') return 'a name in double quotes'
  if (state === 'colon') return 'a colon'
  return state === 'end' ? 'the end of the text' : 'a comma or a closing bracket'
}

function skipSpace(text: string, offset: number): number {
  return offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0)
}

function faultAt(text: string, offset: number, message: string): JsonFault {
  const before = text.slice(0, offset).split('\n')
  return { message, offset, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

/** Indents JSON without changing any number or text. Other text is returned as it is. */
export function pretty(text: string): string {
  if (text.startsWith('rich:') || jsonFault(text)) return text
  let depth = 0
  let out = ''
  const line = () => `\n${'  '.repeat(depth)}`
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (/^[{[]\s*[}\]]$/.test(token)) out += token.replace(/\s/g, '')
    else if (token === '{' || token === '[') {
      depth += 1
      out += token + line()
    } else if (token === '}' || token === ']') {
      depth -= 1
      out += line() + token
    } else if (token === ',') out += token + line()
    else out += token === ':' ? ': ' : token
  }
  return out
}
