// @ts-check
import { Random } from '../random.js'
import { mutate } from './mutate.js'

/** How long a parser may take, in ms: a busy machine stops a process for a while. */
const PATIENCE = 5_000

/** How much memory a parser may reserve beyond its input, in bytes. */
const MEMORY = 96 * 2 ** 20

/** What an attacker stores, and nobody else may learn from a message. */
export const SECRET = 'hunter2'

/**
 * A parser of stored or received bytes.
 * @typedef {object} Parser
 * @property {readonly Buffer[]} samples what it accepts
 * @property {(input: Buffer) => unknown} parse
 * @property {(error: any) => boolean} isOurs whether it may reject the input with this error
 */

/**
 * Feeds a parser with mutations of valid input. It must return, or throw one of its own errors, soon, without much memory, without a
 * secret in the message, and without an effect on anything else.
 * @param {Parser} parser @param {{ runs: number, seed?: number, ms?: number }} options
 */
export async function spoil(
  parser,
  { runs, seed = Math.floor(Math.random() * 2 ** 31), ms = Number.POSITIVE_INFINITY },
) {
  const random = new Random(seed)
  const shapes = prototypes()
  const until = performance.now() + ms
  let rejected = 0
  for (let run = 0; run < runs && performance.now() < until; run += 1) {
    const input = mutate(parser.samples, random)
    const fault = await faultOf(parser, input, shapes, () => {
      rejected += 1
    })
    if (fault)
      throw new Error(`${fault}\nSeed ${seed}, run ${run}, input (base64): ${input.toString('base64').slice(0, 4_000)}`)
  }
  return { rejected }
}

/** @param {Parser} parser @param {Buffer} input @param {string} shapes @param {() => void} onRejected */
async function faultOf({ parse, isOurs }, input, shapes, onRejected) {
  const memory = reserved()
  const start = performance.now()
  try {
    await parse(input)
  } catch (error) {
    onRejected()
    if (!isOurs(error)) return `It threw ${/** @type {Error} */ (error)?.stack ?? error}`
    if (textsOf(error).includes(SECRET))
      return `Its message contains what was stored: ${/** @type {Error} */ (error).message}`
  }
  const took = performance.now() - start
  if (took > PATIENCE) return `It took ${Math.round(took)} ms`
  if (reserved() - memory > MEMORY) return 'It reserved memory that the input did not need'
  if (prototypes() !== shapes) return 'It changed a prototype, or a global'
  return undefined
}

/** The messages of an error and of its causes of this library. @param {any} error @returns {string} */
const textsOf = error =>
  error instanceof Error ? `${error.message} ${/** @type {any} */ (error).code} ${error.name}` : String(error)

const reserved = () => process.memoryUsage().arrayBuffers

/** What the input must not change. */
function prototypes() {
  const all = [Object.prototype, Array.prototype, Function.prototype, Map.prototype, String.prototype, globalThis]
  return all.map(one => Reflect.ownKeys(one).length).join()
}
