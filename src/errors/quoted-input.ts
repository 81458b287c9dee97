/** The most of another error's message that becomes part of ours, in characters. */
const LONGEST = 500

/**
 * Whether an error of the engine holds the input that it complains about: the message of a `SyntaxError` quotes it (`JSON.parse`,
 * `BigInt`, `RegExp`), and `new URL` keeps it in `input`.
 */
function quotesInput(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  return error instanceof SyntaxError || (error as Error).name === 'SyntaxError' || 'input' in error
}

/** What an error says that code of the caller threw while it decoded; without what is stored, as far as the engine quoted it. */
export function messageOf(error: unknown): string {
  const name = error instanceof Error ? error.name : typeof error
  if (!(error instanceof Error) || quotesInput(error))
    return `it threw a ${name}, whose message may quote what is stored`
  return error.message.length > LONGEST ? `${error.message.slice(0, LONGEST)}…` : error.message
}

/** The same error as a cause that may be logged: one that holds what is stored is replaced by one that says where it was thrown. */
export function loggable(error: unknown): unknown {
  if (error instanceof Error && !quotesInput(error)) return error
  const substitute = new Error(messageOf(error))
  const stack = error instanceof Error ? String(error.stack).slice(`${error.name}: ${error.message}`.length) : ''
  substitute.stack = `Error: ${substitute.message}${stack}`
  return substitute
}
