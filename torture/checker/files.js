// @ts-check
/** @import { Commit, History, Violation } from '../types.js' */
import { digest } from '../digest.js'

const RULE = 'a last known file holds a state that existed'

/**
 * A last known file holds no half of an update and nothing that nobody wrote. If the store lost nothing, its entries are those after
 * one of the commits. @param {History} history
 * @returns {Violation[]}
 */
export function filesHoldStates(history) {
  const { files, losses, recorded } = history
  const whole = losses.length === 0 && recorded?.complete ? statesOf(recorded.commits) : undefined
  return files.flatMap(file => [
    ...halves(file),
    ...inventions(file, history),
    ...(whole && !whole.has(digest(Object.entries(file.entries)))
      ? [violation(`${file.name} holds a state that no commit left.`)]
      : []),
  ])
}

/** @param {string} text @returns {Violation} */
const violation = text => ({ rule: RULE, text, operations: [] })

/** @param {History['files'][number]} file */
function halves({ name, entries }) {
  const lefts = Object.keys(entries).filter(key => key.startsWith('pair:') && key.endsWith(':left'))
  return lefts
    .filter(key => entries[key] !== entries[key.replace(/left$/, 'right')])
    .map(key => violation(`${name} holds half of an update of ${key}.`))
}

/** @param {History['files'][number]} file @param {History} history */
function inventions({ name, entries }, { operations, losses }) {
  const known = new Set(operations.flatMap(({ value }) => value ?? []))
  for (const loss of losses) for (const value of Object.values(loss.entries)) known.add(value)
  return Object.entries(entries)
    .filter(([, value]) => !known.has(value))
    .map(([key]) => violation(`${name} holds a value of ${key} that nobody wrote.`))
}

/** The digests of the entries after each commit. @param {readonly Commit[]} commits */
function statesOf(commits) {
  /** @type {Map<string, string>} */
  const entries = new Map()
  const states = new Set([digest(entries)])
  for (const { changes } of commits) {
    for (const { key, after } of changes) {
      if (after === undefined) entries.delete(key)
      else entries.set(key, after)
    }
    states.add(digest(entries))
  }
  return states
}
