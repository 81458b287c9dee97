// @ts-check
// node examples/openfeature/server.js [port] [file]
import { once } from 'node:events'
import { OpenFeature, ProviderEvents } from '@openfeature/server-sdk'
import { SqliteDict } from 'durabledict'
import { freshPerRequest } from 'durabledict/express'
import { DurableDictProvider } from 'durabledict/openfeature'
import express from 'express'

const [port = '3000', file = 'flags.db'] = process.argv.slice(2)

// Each key is a flag. A value is the flag's value, or a definition in the format of flagd.
const flags = await SqliteDict.open('flags', file, {
  live: true,
  defaults: {
    'items-per-page': 20,
    'new-checkout': {
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'off',
      targeting: { if: [{ in: [{ var: 'tenant' }, ['acme', 'initech']] }, 'on', null] },
    },
  },
})

await OpenFeature.setProviderAndWait(new DurableDictProvider(flags))
const client = OpenFeature.getClient()
client.addHandler(ProviderEvents.ConfigurationChanged, event => console.error('Changed:', event?.flagsChanged))

const app = express()
app.use(freshPerRequest({ flags }))
app.use(express.json())

// All flags of a request come from one state of the dictionary.
app.get('/checkout', async (request, response) => {
  const context = { targetingKey: request.ip ?? 'unknown', tenant: String(request.query.tenant) }
  const { value, reason } = await client.getBooleanDetails('new-checkout', false, context)
  response.json({
    newCheckout: value,
    reason,
    itemsPerPage: await client.getNumberValue('items-per-page', 10, context),
  })
})

// A real one authenticates the caller.
app.put('/admin/flags/:key', async (request, response) => {
  await flags.set(/** @type {'items-per-page'} */ (request.params.key), request.body.value)
  response.status(204).end()
})

app.get('/ready', (_request, response) => {
  const health = flags.health()
  response.status(health.ready ? 200 : 503).json(health)
})

const server = app.listen(Number(port), '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    // Stop accepting requests first, then the provider, then the dictionary.
    server.close(() => OpenFeature.close().then(() => flags.close()))
    server.closeIdleConnections()
  })
}
