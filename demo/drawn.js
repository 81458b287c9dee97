// @ts-check
// Draws what a program printed as an animated SVG: each line appears when it was printed.

/** A line, and when it was printed, in ms from the start. @typedef {{ at: number, text: string }} Line */

const WIDTH = 780
const LINE = 19
const TOP = 58
const MARGIN = 22

/** How long the complete recording is shown before it starts again, in ms. */
const HOLD = 12_000

/** How long only the command is shown, in ms. */
const START = 700

const TITLE = 'A recording of npm run demo'
const DESCRIPTION =
  'Three processes hold one dictionary in memory while a fourth changes it. A table shows when each change was durable, ' +
  'and when each of the three saw it. Then a writing process is killed: no acknowledged write is lost.'

/** @param {string} text */
const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The colour class of a line, by its text. @param {string} text */
function kindOf(text) {
  if (/^(All checks passed|Seen in time)/.test(text)) return 'good'
  if (/^Some checks FAILED/.test(text)) return 'bad'
  if (/^ {2}change +written/.test(text)) return 'head'
  return text.startsWith('  ') ? 'row' : 'prose'
}

/**
 * A line that appears after its share of the whole time.
 * @param {Line} line @param {number} index @param {number} total the whole time, in ms
 */
function row({ at, text }, index, total) {
  if (text === '') return { style: '', shape: '' }
  const share = ((100 * (START + at)) / total).toFixed(2)
  return {
    style: `@keyframes l${index}{0%,${share}%{opacity:0}${share}%,100%{opacity:1}}.l${index}{animation-name:l${index}}`,
    shape: `<text class="line ${kindOf(text)} l${index}" x="${MARGIN}" y="${TOP + LINE * (index + 2)}">${escaped(text)}</text>`,
  }
}

/** @param {number} total in ms */
const styles = total => `
text{font:13.5px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#c9d1d9}
.line{animation:${total}ms step-end infinite}
.prompt{fill:#7ee787}.head{fill:#8b949e}.row{fill:#a5d6ff}.good{fill:#7ee787}.bad{fill:#ff7b72}
@media (prefers-reduced-motion:reduce){.line{animation:none}}`

/** @param {string} command @param {readonly Line[]} lines */
export function drawn(command, lines) {
  const total = Math.round(START + (lines.at(-1)?.at ?? 0) + HOLD)
  const rows = lines.map((line, index) => row(line, index, total))
  const height = TOP + LINE * (lines.length + 2)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${TITLE}</title>
<desc id="description">${DESCRIPTION}</desc>
<style>${styles(total)}
${rows.map(({ style }) => style).join('')}</style>
<rect width="${WIDTH}" height="${height}" rx="10" fill="#0d1117"/>
<g><circle cx="24" cy="22" r="6" fill="#ff5f57"/><circle cx="44" cy="22" r="6" fill="#febc2e"/><circle cx="64" cy="22" r="6" fill="#28c840"/></g>
<text x="${MARGIN}" y="${TOP}"><tspan class="prompt">$</tspan> ${escaped(command)}</text>
${rows
  .map(({ shape }) => shape)
  .filter(Boolean)
  .join('\n')}
</svg>
`
}
