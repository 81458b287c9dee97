import { expect, it } from 'vitest'
import { withoutCredentials } from '../../src/cli/targets/credentials.js'

it.each([
  ['the user and the password', 'redis://ada:s3cret@h:1#x'],
  ['a password with @, / and #', 'redis://ada:s3cret@s3cret/s3cret#s3cret@h:1#x'],
  ['an encoded password', 'redis://ada:s%33cret@h:1#x'],
  ['a password in place of the user', 'redis://s3cret@h#x'],
  ['a password in the query', 'postgres://h/app?user=ada&password=s3cret#x'],
  ['an encoded password in the query', 'postgres://h/app?sslpassword=s%33cret&sslmode=require#x'],
  ['a token', 'libsql://h?authToken=s3cret'],
  ['parameters in capitals', 'postgres://h/app?PGPASSWORD=s3cret;x-api-key=s3cret'],
])('hides %s in a URL', (_what, url) => {
  for (const message of [`No connection to ${url}.`, `connect ${url}`, `"${url}"`])
    expect(withoutCredentials(message, [])).not.toMatch(/s3cret|s%33cret/)
})

it.each([
  'redis://ada:s3cret@h:1#x',
  'redis://ada:s%33cret@h:1#x',
  'postgres://h/app?user=ada&password=s3cret#x',
  'postgres://h/app?sslmode=require&sslpassword=s%33cret',
])('hides the password of %s where a driver quotes it alone', url => {
  expect(withoutCredentials('The server refused "s3cret".', [url])).toBe('The server refused "…".')
})

it('leaves the rest of a message', () => {
  const message =
    'Key "user@host" of redis://h:6379/0?timeout=5#settings: login of user "postgres" failed, see durabledict/postgres.'
  expect(withoutCredentials(message, ['postgres://postgres@h/postgres#x', 'word', undefined])).toBe(message)
  const form = 'A URL has the form redis://user:password@host:port/0, where the port is a number.'
  expect(withoutCredentials(form, ['redis://ada:s3cret@h:99999#x'])).toBe(form)
})

it('takes a long message and long arguments', () => {
  const long = ['a', '?', '?pass', ':', 'a://', '@'].map(part => part.repeat(100_000))
  const started = performance.now()
  for (const text of long) withoutCredentials(text, [text, `redis://${text}`])
  expect(performance.now() - started).toBeLessThan(10_000)
})
