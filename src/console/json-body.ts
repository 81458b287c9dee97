import { clearTimeout, setTimeout } from '../time/clock.js'
import { Refusal } from './refusal.js'

/** The largest body, in bytes: a value of 1 MB, of which each character may be escaped. */
const MAX_BODY = 4 * 1024 * 1024

/** How long a browser may take to send it, in ms. */
const MAX_TIME = 20_000

/** Reads a JSON object. @throws Refusal for another type, and for one that is too large or too slow. */
export async function jsonBody(request: Request, maxTime = MAX_TIME): Promise<Readonly<Record<string, unknown>>> {
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/json\s*(;|$)/i.test(type)) throw new Refusal(415, 'TYPE', 'The body must be application/json.')
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY) throw tooLarge()
  const parsed = parse(await textOf(request.body, maxTime))
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>
  throw new Refusal(400, 'BAD_REQUEST', 'The body must be a JSON object.')
}

async function textOf(body: ReadableStream<Uint8Array> | null, maxTime: number): Promise<string> {
  if (!body) return ''
  const reader = body.getReader()
  let late = false
  const timer = setTimeout(() => {
    late = true
    void reader.cancel().catch(() => {})
  }, maxTime)
  try {
    const chunks: Uint8Array[] = []
    let size = 0
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      size += next.value.byteLength
      if (size > MAX_BODY) throw tooLarge()
      chunks.push(next.value)
    }
    if (late) throw new Refusal(408, 'SLOW', 'The body did not arrive in time.')
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (error) {
    void reader.cancel().catch(() => {})
    throw error instanceof Refusal ? error : new Refusal(400, 'BAD_REQUEST', 'The body could not be read.')
  } finally {
    clearTimeout(timer)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The engine's message quotes the text.
    throw new Refusal(400, 'BAD_REQUEST', 'The body is not valid JSON.')
  }
}

function tooLarge(): Refusal {
  return new Refusal(413, 'TOO_LARGE', `The body is larger than ${MAX_BODY} bytes.`)
}
