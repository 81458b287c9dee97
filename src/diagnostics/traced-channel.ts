import type { Channel } from 'node:diagnostics_channel'
import { builtin } from '../process/builtin.js'
import { now } from '../time/clock.js'
import { faultOf } from './fault.js'
import type { TracedMessage } from './messages.js'

/**
 * The five channels of one kind of operation, as `tracingChannel` of Node names them. It differs from Node's own `tracePromise` in
 * one point: subscribers never get what an operation returned or threw, because that may contain values.
 */
export class TracedChannel {
  readonly #start: Channel
  readonly #end: Channel
  readonly #asyncStart: Channel
  readonly #asyncEnd: Channel
  readonly #error: Channel

  constructor(name: string) {
    const channel = (event: string) => builtin.diagnosticsChannel.channel(`tracing:${name}:${event}`)
    this.#start = channel('start')
    this.#end = channel('end')
    this.#asyncStart = channel('asyncStart')
    this.#asyncEnd = channel('asyncEnd')
    this.#error = channel('error')
  }

  get hasSubscribers(): boolean {
    return (
      this.#start.hasSubscribers ||
      this.#end.hasSubscribers ||
      this.#asyncStart.hasSubscribers ||
      this.#asyncEnd.hasSubscribers ||
      this.#error.hasSubscribers
    )
  }

  /**
   * Runs an operation. Whatever it starts runs with what subscribers bound to its start, such as a span.
   *
   * @param conclude - adds the outcome to the message. Returns the error if the result contains one.
   */
  run<V>(message: TracedMessage, work: () => V | Promise<V>, conclude: Conclude<V> = () => {}): V | Promise<V> {
    const operation = new Operation(message, this.#error, conclude)
    return this.#start.runStores(message, () => {
      const answer = this.#begin(operation, work)
      return answer instanceof Promise ? this.#settle(operation, answer) : answer
    })
  }

  /** The part up to the first wait. */
  #begin<V>(operation: Operation<V>, work: () => V | Promise<V>): V | Promise<V> {
    try {
      const answer = work()
      if (!(answer instanceof Promise)) operation.returned(answer)
      return answer
    } catch (error) {
      operation.failed(error)
      throw error
    } finally {
      this.#end.publish(operation.message)
    }
  }

  async #settle<V>(operation: Operation<V>, answer: Promise<V>): Promise<V> {
    try {
      const result = await answer
      operation.returned(result)
      return result
    } catch (error) {
      operation.failed(error)
      throw error
    } finally {
      this.#asyncStart.publish(operation.message)
      this.#asyncEnd.publish(operation.message)
    }
  }
}

type Conclude<V> = (result: V) => unknown

/** One operation, and its message. */
class Operation<V> {
  readonly message: TracedMessage
  readonly #error: Channel
  readonly #conclude: Conclude<V>
  readonly #startedAt = now()

  constructor(message: TracedMessage, error: Channel, conclude: Conclude<V>) {
    this.message = message
    this.#error = error
    this.#conclude = conclude
  }

  returned(result: V): void {
    this.#end('ok')
    const error = this.#conclude(result)
    if (error !== undefined) this.failed(error)
  }

  failed(error: unknown): void {
    const fault = faultOf(error)
    this.#end(fault.code ?? 'error')
    this.message.error = fault
    this.#error.publish(this.message)
  }

  #end(outcome: string): void {
    this.message.outcome = outcome
    this.message.duration = now() - this.#startedAt
  }
}
