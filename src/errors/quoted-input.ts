/** How much of another error's message becomes part of ours, in characters. */
const LONGEST = 500

/**
 * Whether an error of the engine contains the input that it rejects. The message of a `SyntaxError` quotes it (`JSON.parse`,
 * `BigInt`, `RegExp`), and `new URL` keeps it in `input`, or quotes it in other runtimes.
 */
function quotesInput(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { name, message } = error as Error
  const isOfUrl = 'input' in error || (name === 'TypeError' && /\bURL\b/.test(message))
  return error instanceof SyntaxError || name === 'SyntaxError' || isOfUrl
}

/** The message of an error that the caller's code threw while it decoded, without any stored text that the engine quoted. */
export function messageOf(error: unknown): string {
  const name = error instanceof Error ? error.name : typeof error
  if (!(error instanceof Error) || quotesInput(error))
    return `it threw a ${name}, whose message may quote what is stored`
  return error.message.length > LONGEST ? `${error.message.slice(0, LONGEST)}…` : error.message
}

/** Returns an error that is safe to log. It replaces an error that contains stored text with one that only names its place. */
export function loggable(error: unknown): unknown {
  if (error instanceof Error && !quotesInput(error)) return error
  const substitute = new Error(messageOf(error))
  const stack = error instanceof Error ? String(error.stack).slice(`${error.name}: ${error.message}`.length) : ''
  substitute.stack = `Error: ${substitute.message}${stack}`
  return substitute
}
