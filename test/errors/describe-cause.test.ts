import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { describeCause } from '../../src/errors/describe-cause.js'
import { freePort } from '../servers/port.js'

const coded = (message: string, members: object) => Object.assign(new Error(message), members)

test('names the code of a connection refused by all addresses of a host', async () => {
  const port = await freePort()
  const error = await new Promise(resolve => connect({ port, host: 'localhost' }).on('error', resolve))
  expect(describeCause(error)).toContain('ECONNREFUSED')
})

test('contains the root cause, but not the layers in between', () => {
  const root = coded('connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED' })
  const between = new Error('The pool failed.', { cause: root })
  expect(describeCause(new Error('It took too long.', { cause: between }))).toBe(
    'It took too long: connect ECONNREFUSED 127.0.0.1:5432',
  )
})

for (const place of ['cause', 'parent', 'original', 'driverError', 'error', 'driverAdapterError']) {
  test(`finds the root cause under "${place}"`, () => {
    expect(describeCause(coded('Failed', { [place]: coded('read', { code: 'ECONNRESET' }) }))).toBe(
      'Failed: read (ECONNRESET)',
    )
  })
}

test('names each error of an AggregateError without a message once', () => {
  const errors = ['connect ECONNREFUSED ::1:1', 'connect ECONNREFUSED ::1:1', 'connect ECONNREFUSED 127.0.0.1:1']
  const aggregate = new AggregateError(errors.map(message => coded(message, { code: 'ECONNREFUSED' })))
  expect(describeCause(aggregate)).toContain('connect ECONNREFUSED ::1:1, connect ECONNREFUSED 127.0.0.1:1')
})

test('describes an error that is its own cause', () => {
  const error: { cause?: unknown } & Error = new Error('round')
  error.cause = error
  expect(describeCause(error)).toBe('round')
})

test('shortens a description of any length', () => {
  expect(describeCause(new Error('x'.repeat(20_000_000))).length).toBeLessThan(600)
})

test('describes a value that is not an error', () => {
  for (const thrown of [undefined, null, 0, 'text', {}, Object.create(null), Symbol('s')]) {
    expect(describeCause(thrown)).toBeTruthy()
  }
})
