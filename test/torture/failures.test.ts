import { expect, it } from 'vitest'
import { Failures } from '../../torture/worker/failures.js'

it('names each reason once, with its causes and how often it occurred', () => {
  const failures = new Failures()
  const cause = new Error('connect ECONNREFUSED')
  for (const _ of [1, 2]) failures.add(new Error('It could not be opened.', { cause }))
  failures.add('nothing')
  expect(`${failures}`).toBe('2 times: It could not be opened. Because: connect ECONNREFUSED\n1 times: nothing')
})
