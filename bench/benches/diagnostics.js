// @ts-check
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { compare, repeated } from '../measure.js'
import { compared } from '../rows.js'
import { makeKeys } from '../samples.js'

/** @typedef {import('../measure.js').Variant} Variant */

const CHANNELS = [
  ...['sync', 'stale', 'fresh', 'conflict'].map(name => `durabledict:${name}`),
  ...['check', 'load', 'commit'].flatMap(name => [
    `tracing:durabledict:${name}:end`,
    `tracing:durabledict:${name}:asyncEnd`,
  ]),
]

let messages = 0
const count = () => {
  messages += 1
}

/** The second of two runs: to subscribe makes the engine compile again. @param {Variant} variant @returns {Variant} */
const settled = variant => async () => {
  await variant()
  return variant()
}

/** Runs a variant while every channel has a subscriber. @param {Variant} variant @returns {Variant} */
const subscribed = variant => async () => {
  for (const channel of CHANNELS) subscribe(channel, count)
  try {
    return await settled(variant)()
  } finally {
    for (const channel of CHANNELS) unsubscribe(channel, count)
  }
}

/**
 * What subscribers of the diagnostics channels cost. Reads from memory publish nothing, so they cost the same.
 * @type {import('../types.js').Bench}
 */
export async function diagnostics(context) {
  const dict = await (await context.place(1_000)).open({ autosync: false })
  const [first = ''] = makeKeys(1)
  const value = dict.local.get(first) ?? { enabled: true, limit: 0, label: '' }
  const reads = context.quick ? 20_000 : 1_000_000
  const calls = context.quick ? 200 : 20_000
  const readLocal = () => {
    let sum = 0
    for (let read = 0; read < reads; read += 1) sum = (sum + (dict.local.get(first)?.limit ?? 0)) | 0
    return sum
  }
  const get = async () => {
    let sum = 0
    for (let call = 0; call < calls; call += 1) sum = (sum + ((await dict.get(first))?.limit ?? 0)) | 0
    return sum
  }
  const set = async () => {
    for (let call = 0; call < calls / 20; call += 1) await dict.set(first, value)
    return messages
  }
  return [
    await row('local.get, subscribers', repeated(reads, readLocal), context.quick),
    await row('await get, autosync: false, subscribers', repeated(calls, get), context.quick),
    await row('set, subscribers', repeated(calls / 20, set), context.quick),
  ]
}

/** @param {string} name @param {Variant} variant @param {boolean} quick */
async function row(name, variant, quick) {
  const measured = await compare({ ours: subscribed(variant), base: settled(variant), rounds: quick ? 3 : 21 })
  return compared(name, 'no subscriber', measured)
}
