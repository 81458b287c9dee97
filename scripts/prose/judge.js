// @ts-check
import { LONGEST, RULES } from './rules.js'

/** @typedef {{ index: number, words: string, write: string }} Finding */

const compiled = RULES.map(({ pattern, write }) => ({
  pattern: new RegExp(pattern.source.replaceAll(' ', '\\s+'), `g${pattern.flags}`),
  write,
}))

/** What to rewrite in a text, which is a paragraph, a message or a title. @param {string} text @returns {Finding[]} */
export function judge(text) {
  return [...phrases(text), ...longSentences(text)].sort((a, b) => a.index - b.index)
}

/** @param {string} text @returns {Finding[]} */
const phrases = text =>
  compiled.flatMap(({ pattern, write }) =>
    [...text.matchAll(pattern)].map(found => ({ index: found.index, words: found[0].trim(), write })),
  )

/** @param {string} text @returns {Finding[]} */
function longSentences(text) {
  return [...text.matchAll(/\S[\s\S]*?(?:[.!?](?=[\s)*_"'])|$(?![\s\S]))/g)].flatMap(({ index, 0: sentence }) => {
    const words = sentence.split(/\s+/).filter(word => /[a-z\d]/i.test(word))
    if (words.length <= LONGEST) return []
    return [{ index, words: `${words.slice(0, 6).join(' ')} …`, write: `shorter sentences (${words.length} words)` }]
  })
}
