// @ts-check

/** Small limits of models, so that a short run trims the log. */
export const SMALL = [
  { file: 'backends/model/versions/tables.js', from: /LOG_COMMITS = [\d_]+/, to: 'LOG_COMMITS = 40' },
]

/** How soon every session must work after a fault, in ms: writes take turns, and on a busy machine each turn takes long. */
export const RECOVERY = 20_000
