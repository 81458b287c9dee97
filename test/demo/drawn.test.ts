import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { drawn } from '../../demo/drawn.js'

const svg = drawn('npm run demo', [
  { at: 100, text: 'One & <two>' },
  { at: 200, text: '' },
  { at: 300, text: '  lost   0' },
])

describe('the recording of the demo', () => {
  test('shows every line, escaped', () => {
    expect(svg).toMatch(/>One &amp; &lt;two&gt;<\/text>/)
    expect(svg).toMatch(/> {2}lost {3}0<\/text>/)
  })

  test('leaves room for an empty line', () => {
    const [first, last] = [...svg.matchAll(/<text class="line[^>]* y="(\d+)"/g)].map(([, y]) => Number(y))
    expect(Number(last) - Number(first)).toBe(2 * 19)
  })

  test('shows later lines later', () => {
    const shares = [...svg.matchAll(/0%,([\d.]+)%\{opacity:0\}/g)].map(([, share]) => Number(share))
    expect(shares).toHaveLength(2)
    expect(shares[0]).toBeLessThan(Number(shares[1]))
  })

  test('has a description for screen readers, and does not move if the reader prefers reduced motion', () => {
    expect(svg).toMatch(/role="img" aria-labelledby="title description"/)
    expect(svg).toMatch(/<title id="title">[^<]+<\/title>\n<desc id="description">[^<]+<\/desc>/)
    expect(svg).toContain('@media (prefers-reduced-motion:reduce){.line{animation:none}}')
  })
})

test('docs/demo.svg is a recording in which all checks passed', () => {
  const recording = readFileSync(new URL('../../docs/demo.svg', import.meta.url), 'utf8')
  expect(recording).toContain('>All checks passed.</text>')
  expect(recording.length).toBeLessThan(100 * 1024)
})
