// @ts-check
// node examples/outage/server.js <redis://…> [port] [last known file]
import { once } from 'node:events'
import { RedisDict, StoreUnavailableError } from 'durabledict'
import { freshPerRequest } from 'durabledict/express'
import { register } from 'durabledict/prometheus'
import express from 'express'
import { Registry } from 'prom-client'

const [url = 'redis://localhost:6379', port = '3000', lastKnown = './settings.last.json'] = process.argv.slice(2)

const metrics = new Registry()
register(metrics)

const settings = await RedisDict.open('settings', url, {
  live: true,
  timeout: 2_000,
  lastKnown,
  defaults: { title: 'A shop', open: true },
})
settings.on('stale', ({ staleness }) => console.error(`The settings are ${Math.round(staleness)} ms old`))
settings.on('fresh', () => console.error('The settings are current'))

const app = express()

// Before the middleware: neither probes nor metrics should ask the store.
app.get('/ready', (_request, response) => {
  const health = settings.health()
  response.status(health.ready ? 200 : 503).json(health)
})
app.get('/metrics', async (_request, response) => {
  response.type(metrics.contentType).send(await metrics.metrics())
})

// While Redis is down, requests are served from memory.
app.use(freshPerRequest({ settings }))
app.use(express.json())

app.get('/', (_request, response) => {
  const { title, open } = settings.current().toObject()
  response.json({ title, open, origin: settings.origin })
})

// A real one authenticates the caller.
app.put('/admin/title', async (request, response) => {
  await settings.set('title', request.body.value)
  response.status(204).end()
})

/** @type {express.ErrorRequestHandler} */
const answer = (error, _request, response, next) => {
  if (error instanceof StoreUnavailableError) response.status(503).json({ error: error.message })
  else next(error)
}
app.use(answer)

const server = app.listen(Number(port), '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`)

process.once('SIGTERM', () => {
  server.close(() => settings.close())
  server.closeIdleConnections()
})
