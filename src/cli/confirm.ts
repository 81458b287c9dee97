import { usage } from './failure.js'
import { readLine } from './input.js'
import type { Call } from './verb.js'

/**
 * Asks on a terminal. Elsewhere, and with `--yes`, it does not ask.
 *
 * @throws Failure without a terminal and without `--yes`, or if the answer is no.
 */
export async function confirm({ flags, terminal }: Call, question: string): Promise<void> {
  if (flags.has('yes') || flags.has('dry-run')) return
  if (!terminal.stdin.isTTY || !terminal.stderr.isTTY) {
    throw usage(
      'This removes or replaces values. There is no terminal to ask on: add --yes, or --dry-run to see what it does.',
    )
  }
  await terminal.stderr.write(`${question} [y/N] `)
  const answer = await readLine(terminal.stdin)
  if (!/^y(es)?$/i.test(answer.trim())) throw usage('Nothing was changed.')
}
