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
  return toText(Buffer.concat(parts), 'The standard input')
}

/** @param what - names the bytes at the start of a message. @throws Failure unless they are UTF-8. */
export function toText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw usage(`${what} is not UTF-8.`, cause)
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
