// @ts-check
// node examples/express/server.js [port] [file]
import { once } from 'node:events'
import { InvalidKeyError, InvalidValueError, SqliteDict } from 'durabledict'
import { freshPerRequest } from 'durabledict/express'
import express from 'express'
import { z } from 'zod'

const [port = '3000', file = 'shop.db'] = process.argv.slice(2)

const schema = { title: z.string(), open: z.boolean(), vat: z.number().min(0).max(1) }

const settings = await SqliteDict.open('settings', file, {
  schema,
  defaults: { title: 'The shop', open: true, vat: 0.2 },
})
settings.on('stale', ({ cause }) => console.error('Serving from memory:', cause))

/** Works anywhere in a request: no parameter is passed down, and no setting changes in the middle. @param {number} net */
function priceOf(net) {
  return (net * (1 + settings.current().get('vat'))).toFixed(2)
}

const app = express()
app.use(freshPerRequest({ settings }))
app.use(express.json())

app.get('/', (_request, response) => {
  const now = settings.current()
  response.json({ title: now.get('title'), open: now.get('open'), coffee: priceOf(3), tea: priceOf(2) })
})

// A real one authenticates the caller.
app.put('/admin/settings/:key', async (request, response) => {
  // The schema decides whether the setting exists and accepts the value.
  await settings.set(/** @type {keyof typeof schema} */ (request.params.key), request.body.value)
  // Every process has it from its next request.
  response.status(204).end()
})

/** @type {express.ErrorRequestHandler} */
const answer = (error, _request, response, next) => {
  const refused = error instanceof InvalidKeyError || error instanceof InvalidValueError
  if (refused) response.status(400).json({ error: error.message })
  else next(error)
}
app.use(answer)

const server = app.listen(Number(port), '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    // Stop accepting requests first, then close the dictionary.
    server.close(() => settings.close())
    server.closeIdleConnections()
  })
}
