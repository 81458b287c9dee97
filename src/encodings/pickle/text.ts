const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Text of protocol 0: Latin-1 with `\uXXXX` and `\UXXXXXXXX` for everything else. */
export function rawUnicode(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})/g, (_, short, long) =>
    String.fromCodePoint(Number.parseInt(short ?? long, 16)),
  )
}

/** Returns the bytes of a `str` of Python 2, which protocol 0 writes as a quoted literal; `undefined` if it is not quoted. */
export function oldText(line: string): Buffer | undefined {
  const [, quote, text = ''] = /^(['"])(.*)\1$/s.exec(line.trim()) ?? []
  if (quote === undefined) return undefined
  const plain = text.replace(/\\(?:x([0-9a-fA-F]{2})|([\\'"abfnrtv]))/g, (_, hex, letter) =>
    hex === undefined ? (ESCAPES[letter] as string) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(plain, 'latin1')
}
