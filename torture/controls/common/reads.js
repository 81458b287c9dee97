// @ts-check
/** @import { Control, Player } from '../control.js' */
import { setTimeout as pause } from 'node:timers/promises'

/** Reads, has the value written everywhere, and reads again. @param {Player} writer @param {Player} reader */
async function readAround(writer, reader) {
  await writer.do('set', 'key')
  await reader.do('get', 'key')
  await writer.do('set', 'key', { everywhere: true })
  await reader.do('get', 'key')
}

/** A reader is stopped while a value is written everywhere, and reads before it does anything else. @type {Control['play']} */
export const stopReader = async (_stage, writer, reader) => {
  await writer.do('set', 'key')
  const reading = reader.order('spin', 'key', 900)
  await pause(200)
  reader.worker.signal('SIGSTOP')
  await writer.do('set', 'key', { everywhere: true })
  reader.worker.signal('SIGCONT')
  await reading
}

/** A value is written everywhere while the answer to a check is in transit. @type {Control} */
const countedFromBefore = {
  rule: 'a check counts from before it was sent',
  changes: [
    {
      file: 'replica/replica.js',
      from: '    #confirm(asOf) {',
      to: '    #confirm(asOf) { asOf = now();',
    },
  ],
  needs: ['network'],
  // The check takes longer than the write, which waits for the bound.
  sessions: [{}, { maxStaleness: 200, timeout: 10_000 }],
  async play(_stage, writer, reader) {
    await writer.do('set', 'key')
    // A check that finds a change asks again, after the write below.
    await reader.do('sync')
    const answered = reader.proxy.holdAnswers()
    const reading = reader.order('spin', 'key', 20)
    await answered
    await writer.do('set', 'key', { everywhere: true })
    reader.proxy.release()
    await reading
  },
}

/**
 * The same on a store that reports changes through the connection that also carries the answer: the answer arrives without the report
 * that follows it. @type {Control}
 */
export const countedBeforeReport = {
  ...countedFromBefore,
  async play(_stage, writer, reader) {
    await writer.do('set', 'key')
    await reader.do('sync')
    const answered = reader.proxy.holdAnswers()
    const reading = reader.order('spin', 'key', 20)
    // A process begins its orders one after the other.
    await reader.do('see')
    await answered
    // Something else may have been answered first. This read is ordered after the check.
    await writer.do('get', 'key')
    const deliver = reader.proxy.answersSoFar()
    await writer.do('set', 'key', { everywhere: true })
    deliver()
    await reading
    reader.proxy.release()
  },
}

/** Rules about how current a read is. @type {Control[]} */
export const reads = [
  {
    rule: 'a write { everywhere: true } waits for the replicas that rely on memory',
    changes: [{ file: 'dictionary/everywhere.js', from: 'if (waiting.isOver)', to: 'if (true)' }],
    sessions: [{}, { maxStaleness: 1_000 }],
    play: (_stage, writer, reader) => readAround(writer, reader),
  },
  {
    rule: 'a bound is recorded before it is relied on',
    changes: [
      {
        file: 'replica/replica.js',
        from: 'await (membership ? membership.join() : store.registerMaxStaleness(maxStaleness));',
        to: ';',
      },
      {
        file: 'replica/reliance.js',
        from: 'isRegistered ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY',
        to: 'Number.POSITIVE_INFINITY',
      },
    ],
    sessions: [{}, { maxStaleness: 1_000 }],
    play: (_stage, writer, reader) => readAround(writer, reader),
  },
  {
    rule: 'get() checks the clock before it relies on memory',
    changes: [
      {
        file: 'dictionary/reads.js',
        from: 'now() >= replica.reliance.until',
        to: 'false',
      },
    ],
    sessions: [{}, { maxStaleness: 200 }],
    play: (_stage, writer, reader) => readAround(writer, reader),
  },
  {
    rule: 'fresh checks the clock at every read, not at one of many',
    changes: [
      {
        file: 'dictionary/views.js',
        from: 'if (now() >= until)',
        to: `this.count = (this.count ?? 0) + 1;
             if (this.count % 64 === 0 && now() >= until)`,
      },
    ],
    sessions: [{}, { live: true, maxStaleness: 200 }],
    play: stopReader,
  },
  countedFromBefore,
  {
    rule: 'a read joins no check that was sent before it began',
    changes: [
      {
        file: 'replica/shared-check.js',
        from: 'this.#next ??= this.#start();',
        to: 'if (this.#running) return this.#running; this.#next ??= this.#start();',
      },
    ],
    needs: ['network', 'polling'],
    sessions: [{}, {}],
    async play(_stage, writer, reader) {
      await writer.do('set', 'key')
      // A check that finds a change asks again, after the write below.
      await reader.do('get', 'key')
      const answered = reader.proxy.holdAnswers()
      const early = reader.do('get', 'key')
      await answered
      await writer.do('set', 'key')
      const later = reader.do('get', 'key')
      // A process begins its orders one after the other.
      await reader.do('see')
      reader.proxy.release()
      await Promise.all([early, later])
    },
  },
]
