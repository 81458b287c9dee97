import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import * as errors from '../../../src/errors/errors.js'
import { AmbiguousWriteError, type Backend, DurableDict, StoreUnavailableError } from '../../../src/index.js'
import { ON_NODE } from '../../runtime.js'

test('every error has its literal name, also in its stack', () => {
  for (const [name, kind] of Object.entries(errors)) {
    if (kind !== errors.DurableDictError) expect(kind.prototype.name).toBe(name)
  }
  const error = new AmbiguousWriteError('what happened')
  expect(String(error)).toBe('AmbiguousWriteError: what happened')
  expect(error.stack).toMatch(/^AmbiguousWriteError: what happened/)
  expect(Object.keys(error)).not.toContain('name')
})

test('a refused connection is named in the error of the call', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  const ask = () => fetch(`http://127.0.0.1:${port}`).then(() => 'never' as never)
  const backend: Backend = { persist: ask, depersist: ask, durables: ask, lastUpdated: ask }
  const opening = DurableDict.open(backend)
  await expect(opening).rejects.toThrow(StoreUnavailableError)
  await expect(opening).rejects.toThrow(ON_NODE ? /ECONNREFUSED/ : /refused|unable to connect/i)
})
