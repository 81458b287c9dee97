import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'

interface Message {
  readonly id?: number
  readonly name?: string
  readonly value?: unknown
  readonly error?: object
}

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url))

/** A child process. Emits its messages by name. */
export class Child extends EventEmitter {
  readonly process: ChildProcess
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #calls = 0

  private constructor(options: ForkOptions) {
    super()
    this.process = fork(WORKER, [], { execArgv: [], ...options })
    this.ended = once(this.process, 'exit').then(([code, signal]) => code ?? signal)
    void this.ended.then(reason => this.#fail(new Error(`The process ended: ${reason}.`)))
    this.process.on('message', message => this.#receive(message as Message))
  }

  static async start(options: ForkOptions = {}): Promise<Child> {
    const child = new Child(options)
    await Promise.race([
      once(child, 'ready'),
      child.ended.then(reason => Promise.reject(new Error(`Ended: ${reason}`))),
    ])
    return child
  }

  /** Rejects with what the action threw. */
  do<V = unknown>(action: string, ...args: unknown[]): Promise<V> {
    this.#calls += 1
    const answer = promiseWithResolvers()
    this.#waiting.set(this.#calls, answer)
    this.process.send({ id: this.#calls, action, args })
    return answer.promise as Promise<V>
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.ended
  }

  #receive({ id, name, value, error }: Message): void {
    if (name !== undefined) this.emit(name, value)
    if (id === undefined) return
    const answer = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error) answer?.reject(Object.assign(new Error(), error))
    else answer?.resolve(value)
  }

  #fail(reason: Error): void {
    for (const { reject } of this.#waiting.values()) reject(reason)
    this.#waiting.clear()
  }
}

interface PromiseWithResolvers<V> {
  promise: Promise<V>
  resolve(value: V): void
  reject(reason: unknown): void
}

function promiseWithResolvers(): PromiseWithResolvers<unknown> {
  const made = {} as PromiseWithResolvers<unknown>
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
  // Some answers are never awaited, since the process is killed first.
  made.promise.catch(() => {})
  return made
}

/** Starts processes that are ended after the test. */
export function children(): (options?: ForkOptions) => Promise<Child> {
  const started: Child[] = []
  afterEach(async () => {
    await Promise.all(started.splice(0).map(child => child.kill()))
  })
  return async options => {
    const child = await Child.start(options)
    started.push(child)
    return child
  }
}
