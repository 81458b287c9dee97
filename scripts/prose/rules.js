// @ts-check
// What the prose check looks for: one pattern a line, what to write instead, and a sentence with and without it. A space in a
// pattern matches any white space. CONTRIBUTING.md says how to run the check.

/**
 * @typedef {object} Rule
 * @property {RegExp} pattern
 * @property {string} write what to write instead
 * @property {string} bad a sentence that the rule reports
 * @property {string} good the same, as it should be
 */

/** @type {readonly Rule[]} */
// biome-ignore format: one rule a line
export const RULES = [
  { pattern: /\btold\b/i, write: '"notified", "gets", or "distinguished"', bad: 'The listener is told.', good: 'The listener is notified.' },
  { pattern: /\btells? (of|whether)\b/i, write: '"reports", "returns"', bad: 'It tells whether it is there.', good: 'It returns whether it is there.' },
  { pattern: /\banew\b/i, write: '"again", "re-"', bad: 'It is loaded anew.', good: 'It is loaded again.' },
  { pattern: /\b(in|out)side of\b/i, write: '"inside", "outside"', bad: 'inside of a transaction', good: 'inside a transaction' },
  { pattern: /\bgives? (whether|what|back|undefined|null|true|false)\b/i, write: '"returns"', bad: 'It gives whether it was there.', good: 'It returns whether it was there.' },
  { pattern: /^\W*Gives\b/, write: '"Returns"', bad: 'Gives the entries.', good: 'Returns the entries.' },
  { pattern: /\b(is|are|was|were) given\b/i, write: '"gets", "receives", "is passed"', bad: 'The function is given a key.', good: 'The function gets a key.' },
  { pattern: /\bgive[ns]? up\b(?= (by|with|where|while|after|for want))/i, write: '"cancelled", "abandoned"', bad: 'A write that is given up while it waits', good: 'A write that is cancelled while it waits' },
  { pattern: /\b(stands?|stood)\b(?![- ](for|in for|by|alone|out)\b)/i, write: '"is stored", "is"', bad: 'The value stands in a column.', good: 'The value is stored in a column.' },
  { pattern: /\b(lies|lie|lay) (in|on|under|within|at|beside|there)\b/i, write: '"is stored", "is"', bad: 'The file lies in a folder.', good: 'The file is in a folder.' },
  { pattern: /\breckon(s|ed|ing)?\b/i, write: '"budget", "count", "expect"', bad: 'Reckon the entries once.', good: 'Budget one copy of the entries.' },
  { pattern: /\bstrangers?\b/i, write: '"external writers"', bad: 'what strangers wrote', good: 'what external writers wrote' },
  { pattern: /\b[Oo]f (several|many|two|three|all|those)\b[^.;,]{0,40}, (only |exactly )?(one|each|the first)\b/, write: '"exactly one … gets"', bad: 'Of several callers, one gets it.', good: 'Exactly one caller gets it.' },
  { pattern: /\bnever (is|was|are|were|does|did|will|has|had)\b(?=[.,;:)]|$)/i, write: 'a verb: "is dropped", "never happens"', bad: 'What was not sent never is.', good: 'Commands not sent are dropped.' },
  { pattern: /\b(process|processes|dictionary|store|server|backend|client|replica|listener|connection|session|transaction|reader|writer)s? who\b/i, write: '"that", "which"', bad: 'a process who reads', good: 'a process that reads' },
  { pattern: /\bwho(so)?ever\b/i, write: '"anyone who", "any … that", or name it', bad: 'Whoever reads it is notified.', good: 'Every reader is notified.' },
  { pattern: /\b[Ww]here (it|they|there|none|nothing|nobody|no|one|neither|both) /, write: '"if", "when"', bad: 'It is created where it is missing.', good: 'It is created if it is missing.' },
  { pattern: /(^|[.;] )Where (a|an|the|that|this)\b/, write: '"if", "when"', bad: 'Where the file is missing, it is created.', good: 'If the file is missing, it is created.' },
  { pattern: /\bfor want of\b/i, write: '"without", "because … is missing"', bad: 'It fails for want of rights.', good: 'It fails without the rights.' },
  { pattern: /\bsurely\b/i, write: 'nothing: state the fact', bad: 'The write surely had no effect.', good: 'The write had no effect.' },
  { pattern: /\b(take|takes|took|taken) (it|them|this|that|these|one|\S+ \S+) for (?!granted|each|every|long|itself|all|\d)/i, write: '"treats … as", "mistakes … for"', bad: 'SQLite would take it for a log.', good: 'SQLite would treat it as a log.' },
  { pattern: /\b(go|goes|went|going|gone) on\b/i, write: '"continues", "keeps"', bad: 'It goes on serving.', good: 'It keeps serving.' },
  { pattern: /(?<!\bthere )\b(is|are|was|were) no (?!longer|more|less|later|older|newer|larger|need|such|one|better|different)[a-z]/i, write: '"is not a"', bad: 'It is no string.', good: 'It is not a string.' },
  { pattern: /\bonce at most\b/i, write: '"at most once"', bad: 'It takes effect once at most.', good: 'It takes effect at most once.' },
  { pattern: /\bWhether [^.;]*, and whether\b/i, write: 'one condition for each sentence', bad: 'Whether it is open, and whether it is current.', good: 'Whether it is open.' },
  { pattern: /\b(is|are|was|were) said\b/i, write: '"is reported", "is documented"', bad: 'It is said by an event.', good: 'It is reported by an event.' },
  { pattern: /\b(where|there|here)(of|in|by|upon|with|from)\b/i, write: 'the thing itself', bad: 'the parts thereof', good: 'its parts' },
  { pattern: /\ball that is known of\b/i, write: '"the only"', bad: 'It is all that is known of an ORM.', good: 'It is the only interface to an ORM.' },
  { pattern: /\bas (?:it|they|one) (?:likes?|pleases?)\b/i, write: '"any"', bad: 'It may return as it likes.', good: 'It may return in any order.' },
]

/** The most words in a sentence. */
export const LONGEST = 40

/** Folders and files that are still to be rewritten: checked only when named on the command line. */
/** @type {readonly string[]} */
export const PENDING = []
