import type { Change } from '../../dictionary/events.js'
import { delay } from '../../time/clock.js'
import type { Desk } from '../desk.js'
import { EXIT } from '../exit-codes.js'
import { usage } from '../failure.js'
import { runFor } from '../run-for-change.js'
import { jsonOf, lineOf, shownChange } from '../shown-change.js'
import type { Call, Verb } from '../verb.js'

export const watch: Verb = {
  name: 'watch',
  summary: 'show changes as they happen, or run a command for each',
  usage: '[KEY] [-- COMMAND…]',
  words: [0, 1],
  options: {
    key: { type: 'string', short: 'k', value: 'KEY', help: 'the key, if it begins with a dash' },
  },
  formats: ['ndjson'],
  takesCommand: true,
  untilInterrupted: true,
  details:
    'Ends with Ctrl-C. It survives restarts of the store, says so on the standard error stream, and then shows what changed meanwhile.\n' +
    'JSON has one line for each change. The command runs once for each change, one at a time and in order. It gets the change as JSON\n' +
    'on its standard input, and in DURABLEDICT_KEY, DURABLEDICT_VALUE, DURABLEDICT_PREVIOUS, DURABLEDICT_VERSION, DURABLEDICT_BY and\n' +
    'DURABLEDICT_REASON. VALUE and PREVIOUS are JSON; they are not set if the key is absent, or the value is larger than 64 KiB.',
  examples: [
    ['durabledict watch', 'shows all changes'],
    ['durabledict watch payments', 'shows the changes of a key'],
    ['durabledict watch certificates -- systemctl reload nginx', 'runs the command after each change'],
  ],
  async run(call) {
    const key = keyOf(call)
    const desk = await call.open({ readOnly: true, live: true, mayBeAbsent: true })
    if (key !== undefined) desk.checkKey(key)
    const ended = report(call, desk)
    try {
      for await (const change of desk.dict.watch({ ...(key !== undefined && { key }), signal: call.terminal.signal })) {
        await handle(call, desk, change)
      }
    } finally {
      ended()
    }
    return EXIT.ok
  },
}

function keyOf({ words: [word], flags }: Call): string | undefined {
  const option = flags.text('key')
  if (word !== undefined && option !== undefined) throw usage('Name one key: as a word, or with --key.')
  return word ?? option
}

/** Says what happens to the store, and brings memory up to date if the configuration did not open the dictionary `live`. */
function report({ screen, terminal }: Call, desk: Desk): () => void {
  const name = `"${desk.name}"`
  const { emitter, settings } = desk.core.internals
  let down = false
  const onStale = () => {
    if (!down) void screen.note(`The store of ${name} does not answer. The watch continues.`)
    down = true
  }
  const onFresh = () => {
    if (down) void screen.note(`The store of ${name} answers again.`)
    down = false
  }
  const onSync = ({ reason }: { reason: string }) => {
    if (reason === 'diverged')
      void screen.note(`The store of ${name} went back, or was changed without the library. The differences follow.`)
  }
  emitter.on('stale', onStale)
  emitter.on('fresh', onFresh)
  emitter.on('sync', onSync)
  const ending = new AbortController()
  const signal = AbortSignal.any([ending.signal, terminal.signal])
  if (!settings.live) void poll(desk, signal, onStale, onFresh)
  return () => {
    ending.abort()
    emitter.off('stale', onStale)
    emitter.off('fresh', onFresh)
    emitter.off('sync', onSync)
  }
}

/** How often a dictionary that is not live is brought up to date, in ms. */
const POLL_EVERY = 500

async function poll(desk: Desk, signal: AbortSignal, onStale: () => void, onFresh: () => void): Promise<void> {
  while (!signal.aborted) {
    await desk.dict.sync().then(onFresh, onStale)
    await delay(POLL_EVERY, undefined, { signal }).catch(() => {})
  }
}

async function handle(call: Call, desk: Desk, change: Change): Promise<void> {
  const shown = shownChange(desk, change)
  if (call.command.length > 0) await runFor(call, shown)
  else if (call.screen.isTable) await call.screen.line(lineOf(shown))
  else await call.screen.json(jsonOf(shown))
}
