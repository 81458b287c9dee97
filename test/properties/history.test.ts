import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HistoryError, type RevertOptions } from '../../src/index.js'
import { type Author, Past, type Step } from './past.js'
import { type Dict, type Kind, kinds, type Options } from './places.js'

const KEYS = ['a', 'b', '__proto__', 'ключ 🗝'] as const

const MODES: readonly Options[] = [{}, { autosync: false }, { live: true }, { live: true, autosync: false }]

/** How a write says who makes it: itself, by a view, by a view of a view, or not at all. */
type Says = 'itself' | 'view' | 'viewOfView' | 'nothing'

type Command =
  | { readonly do: 'write'; readonly dict: 0 | 1; readonly says: Says; readonly by: string; readonly step: Step }
  | { readonly do: 'together'; readonly dict: 0 | 1; readonly steps: readonly Step[] }
  | { readonly do: 'transact' | 'update'; readonly dict: 0 | 1; readonly says: Says; readonly steps: readonly Step[] }
  | {
      readonly do: 'revert'
      readonly dict: 0 | 1
      readonly pick: number
      readonly force: boolean
      readonly some: boolean
    }
  | { readonly do: 'policy'; readonly keep: number | false }

const key = fc.constantFrom<string>(...KEYS)
const value = fc.oneof(fc.nat({ max: 2 }), fc.constantFrom('x', null), fc.constant({ n: [1] }))
const dict = fc.constantFrom<0 | 1>(0, 1)
const says = fc.constantFrom<Says>('itself', 'view', 'viewOfView', 'nothing')
const by = fc.constantFrom('ada', 'bob <b@example.com>', '\u2028"\'')
const keyed = fc.oneof(
  fc.record({ do: fc.constantFrom('set', 'setDefault'), key, value }),
  fc.record({ do: fc.constantFrom('delete', 'pop'), key }),
) as fc.Arbitrary<Step>
const step = fc.oneof({ weight: 9, arbitrary: keyed }, { weight: 1, arbitrary: fc.constant<Step>({ do: 'clear' }) })
const sets = fc.record({ do: fc.constant('set'), key, value })
const steps = fc.array(step, { minLength: 1, maxLength: 4 })
const writes = [
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write'), dict, says, by, step }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('transact'), dict, says, steps }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('update'), dict, says, steps: fc.array(sets, { minLength: 1 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('revert'),
      dict,
      pick: fc.nat({ max: 1_000 }),
      force: fc.boolean(),
      some: fc.boolean(),
    }),
  },
]
const together = fc.record({ do: fc.constant('together'), dict, steps })
const policies = fc.record({ do: fc.constant('policy'), keep: fc.constantFrom<number | false>(1, 2, 3, 5, false) })
const command = fc.oneof(...writes, { weight: 2, arbitrary: together }) as fc.Arbitrary<Command>
/** One commit each: what is new in the history is then known even if some of it was dropped. */
const commandOrPolicy = fc.oneof(...writes, { weight: 2, arbitrary: policies }) as fc.Arbitrary<Command>

/** On a store in memory. */
const RUNS = 80

const DEFAULT_AUTHOR = 'service'

function author(one: Says, by: string): Author {
  if (one === 'nothing') return { by: DEFAULT_AUTHOR, reason: undefined }
  return { by, reason: one === 'view' ? undefined : `${by} has a reason` }
}

/** The dictionary and the options of a write that says it this way. */
function speaking(dict: Dict, one: Says, { by, reason }: Author): [Dict, { by?: string; reason?: string } | undefined] {
  if (one === 'nothing') return [dict, undefined]
  if (one === 'itself') return [dict.as({ by: 'somebody else' }), { by, reason } as { by: string; reason: string }]
  if (one === 'view') return [dict.as({ by }), { by: undefined } as object]
  return [dict.as({ by: 'somebody else', reason }).as({ by, reason: undefined }), {}]
}

function write(dict: Dict, step: Step, options?: object): Promise<unknown> {
  if (step.do === 'clear') return dict.clear(options)
  if (step.do === 'delete') return dict.delete(step.key, options)
  if (step.do === 'pop') return dict.pop(step.key, undefined, options)
  if (step.do === 'set') return dict.set(step.key, step.value, options)
  return dict.setDefault(step.key, step.value, options)
}

async function perform(command: Command, dicts: readonly [Dict, Dict], past: Past): Promise<void> {
  if (command.do === 'policy') return
  const dict = dicts[command.dict]
  if (command.do === 'write') {
    const who = author(command.says, command.by)
    const [view, options] = speaking(dict, command.says, who)
    await write(view, command.step, options)
    return past.commit([command.step], who)
  }
  if (command.do === 'together') {
    // Those of one tick share a batch, in order.
    const authors = command.steps.map((_, index) => ({ by: `author ${index}`, reason: undefined }))
    await Promise.all(command.steps.map((step, index) => write(dict, step, authors[index])))
    for (const [index, step] of command.steps.entries()) past.commit([step], authors[index] as Author)
    return
  }
  if (command.do === 'revert') return revert(command, dict, past)
  const who = author(command.says, 'ada')
  const [view, options] = speaking(dict, command.says, who)
  if (command.do === 'update') {
    const entries = (command.steps as readonly { key: string; value: unknown }[]).map(
      ({ key, value }) => [key, value] as const,
    )
    await view.update(entries, options)
  } else {
    // Without a check, it would begin on a past state.
    await dict.sync()
    await view.transact(tx => {
      for (const step of command.steps) {
        if (step.do === 'clear') tx.clear()
        else if (step.do === 'delete') tx.delete(step.key)
        else if (step.do === 'pop') tx.pop(step.key, undefined)
        else if (step.do === 'set') tx.set(step.key, step.value)
        else tx.setDefault(step.key, step.value)
      }
    }, options)
  }
  past.commit(command.steps, who)
}

async function revert(command: Extract<Command, { do: 'revert' }>, dict: Dict, past: Past): Promise<void> {
  await learnIds(dict, past)
  if (past.ids.length === 0) return
  const index = command.pick % past.ids.length
  if (past.ids[index] === '') return
  const keys = [...(past.commits[index]?.changes.keys() ?? [])].slice(0, 1)
  const options: RevertOptions = { ...(command.some && { keys }), force: command.force, by: 'reverter', reason: 'undo' }
  await past.revert(dict, index, options, { by: 'reverter', reason: 'undo' })
}

/** The ids of the commits that are still there, at their places; '' for the others. */
async function learnIds(dict: Dict, past: Past): Promise<void> {
  const found = await dict.history().toArray()
  const byContent = past.ids.slice()
  for (let index = byContent.length; index < past.commits.length; index += 1) byContent.push('')
  // New commits are at the end of both.
  const known = new Set(byContent)
  const fresh = found.filter(({ id }) => !known.has(id)).reverse()
  const first = past.commits.length - fresh.length
  for (const [offset, { id }] of fresh.entries()) byContent[first + offset] = id
  const present = new Set(found.map(({ id }) => id))
  past.ids.splice(0, past.ids.length, ...byContent.map(id => (present.has(id) ? id : '')))
}

async function onPlace(
  kind: Kind,
  modes: readonly [Options, Options],
  run: (dicts: readonly [Dict, Dict], open: (options: Options) => Promise<Dict>) => Promise<void>,
): Promise<void> {
  const place = await kind.create()
  const opened: Dict[] = []
  const open = async (options: Options) => {
    const dict = await place.open({ by: DEFAULT_AUTHOR, ...options })
    opened.push(dict)
    return dict
  }
  try {
    await run([await open(modes[0]), await open(modes[1])], open)
  } finally {
    await Promise.all(opened.map(dict => dict.close()))
    await place.dispose()
  }
}

const modes = fc.tuple(fc.constantFrom(...MODES), fc.constantFrom(...MODES))

for (const kind of await kinds()) {
  describe(`The history agrees with a list of commits: ${kind.name}`, () => {
    test('every commit, page, past state and revert', async () => {
      const commands = fc.array(command, { maxLength: 20, size: 'max' })
      const property = fc.asyncProperty(
        modes,
        commands,
        fc.integer({ min: 1, max: 7 }),
        async (modes, commands, limit) => {
          await onPlace(kind, modes, async dicts => {
            const past = new Past()
            for (const command of commands) await perform(command, dicts, past)
            await past.expectAll(dicts[0])
            await past.expectPages(dicts[1], limit, undefined)
            for (const key of KEYS) await past.expectPages(dicts[1], limit, key)
            await past.expectStates(dicts[1], KEYS, true)
            expect((await dicts[0].at(new Date(0))).size).toBe(0)
          })
        },
      )
      await fc.assert(property, { numRuns: Math.ceil(RUNS * kind.share) })
    }, 60_000)

    test('whatever policies drop, what is left is right and says what is missing', async () => {
      const commands = fc.array(commandOrPolicy, { maxLength: 24, size: 'max' })
      const property = fc.asyncProperty(modes, commands, async (modes, commands) => {
        await onPlace(kind, modes, async (dicts, open) => {
          const past = new Past()
          for (const command of commands) {
            if (command.do === 'policy')
              await open({ history: command.keep === false ? false : { keep: command.keep } })
            else await perform(command, dicts, past)
            await learnIds(dicts[0], past)
          }
          await past.expectStates(dicts[1], KEYS, false)
          const stream = dicts[0].history()
          const found = await stream.toArray()
          if (stream.complete) expect(found.length).toBe(past.commits.length)
          for (const key of KEYS) {
            const ofKey = dicts[0].history({ key })
            const count = (await ofKey.toArray()).length
            if (ofKey.complete) expect(count).toBe(past.commits.filter(({ changes }) => changes.has(key)).length)
          }
          const start = await dicts[0].at(new Date(0)).catch(error => error)
          if (!(start instanceof HistoryError)) for (const one of KEYS) expectUnknownOrAbsent(() => start.get(one))
        })
      })
      await fc.assert(property, { numRuns: Math.ceil(RUNS * kind.share) })
    }, 60_000)
  })
}

function expectUnknownOrAbsent(read: () => unknown): void {
  try {
    expect(read()).toBeUndefined()
  } catch (error) {
    expect(error).toBeInstanceOf(HistoryError)
  }
}
