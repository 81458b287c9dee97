import { usage } from './failure.js'
import type { Input } from './terminal.js'

/** Returns all text of the standard input, without the line feed that ends it. @throws Failure unless it is UTF-8. */
export async function readInput(input: Input): Promise<string> {
  const text = await readAll(input)
  return text.endsWith('\n') ? text.slice(0, -1) : text
}

async function readAll(input: Input): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of input) parts.push(Buffer.from(part as Uint8Array))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts))
  } catch (cause) {
    throw usage('The standard input is not UTF-8.', cause)
  }
}

/** Returns the first line. */
export async function readLine(input: Input): Promise<string> {
  let text = ''
  for await (const part of input) {
    text += Buffer.from(part as Uint8Array).toString()
    if (text.includes('\n')) break
  }
  return text.split('\n', 1)[0] ?? ''
}
