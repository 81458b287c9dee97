import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FaultProxy } from '../../torture/proxy.js'

let received = ''
let proxy: FaultProxy
const sockets = new Set<Socket>()

/** Echoes what it receives. */
const server = createServer(socket => {
  socket.on('error', () => {})
  socket.on('data', chunk => {
    received += chunk
    socket.write(chunk)
  })
})

beforeEach(async () => {
  received = ''
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
  proxy = await FaultProxy.open((server.address() as AddressInfo).port)
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await proxy.close()
})

async function open() {
  const socket = connect(proxy.port, '127.0.0.1').setEncoding('utf8')
  sockets.add(socket)
  const client = { socket, answered: '', error: '', gone: new Promise(resolve => socket.once('close', resolve)) }
  socket.on('data', text => {
    client.answered += text
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    client.error = error.code ?? error.message
  })
  await once(socket, 'connect')
  return client
}

const soon = () => pause(60)

describe('the fault proxy', () => {
  it('translates what the server answers', async () => {
    proxy.translate = answer => Buffer.from(`${answer}`.replace('a', 'b'))
    const { socket } = await open()
    socket.write('a')
    expect(await once(socket, 'data')).toEqual(['b'])
    expect(received).toBe('a')
  })

  it('forwards everything in both directions', async () => {
    const client = await open()
    client.socket.write('hello')
    await expect.poll(() => client.answered).toBe('hello')
    expect(proxy.accepted).toBe(1)
  })

  it('keeps the order of delayed data, however the delay changes', async () => {
    const client = await open()
    const sent: string[] = []
    for (let index = 0; index < 200; index += 1) {
      proxy.delay((index * 7) % 13)
      sent.push(`${index},`)
      client.socket.write(sent.at(-1) as string)
      if (index % 3 === 0) await pause(1)
    }
    await expect.poll(() => client.answered).toBe(sent.join(''))
  })

  it('breaks off', async () => {
    const client = await open()
    await soon()
    proxy.cut()
    await client.gone
    expect(client.error).toBe('ECONNRESET')
  })

  it('refuses connections until they are allowed the same number of times', async () => {
    proxy.refuse(true)
    proxy.refuse(true)
    proxy.refuse(false)
    const refused = connect(proxy.port, '127.0.0.1').on('error', () => {})
    await new Promise(resolve => refused.once('close', resolve))
    proxy.refuse(false)
    const client = await open()
    client.socket.write('hello')
    await expect.poll(() => client.answered).toBe('hello')
  })

  it('drops what goes in one direction', async () => {
    const client = await open()
    await soon()
    for (const link of proxy.links) link.swallow(['toClient'])
    client.socket.write('hello')
    await expect.poll(() => received).toBe('hello')
    await soon()
    expect(client.answered).toBe('')
  })

  it('leaves half-open connections and cuts them when it heals', async () => {
    const early = await open()
    await soon()
    proxy.halfOpen()
    const late = await open()
    early.socket.write('hello')
    late.socket.write('hello')
    await soon()
    expect([received, early.answered, late.answered]).toEqual(['', '', ''])
    proxy.heal()
    await Promise.all([early.gone, late.gone])
  })

  it('delivers what a client sent after the client has lost the connection', async () => {
    const client = await open()
    await soon()
    const { links } = proxy
    for (const link of links) link.hold()
    client.socket.write('late')
    await soon()
    for (const link of links) link.orphan()
    await client.gone
    expect(received).toBe('')
    for (const link of links) link.release()
    await expect.poll(() => received).toBe('late')
  })

  it('delivers the answers that it held back so far, and none that come later', async () => {
    const client = await open()
    client.socket.write('opened,')
    await expect.poll(() => client.answered).toBe('opened,')
    const [link] = proxy.links
    const held = link?.holdAnswers()
    client.socket.write('early,')
    await held
    const deliver = link?.answersSoFar()
    client.socket.write('late,')
    await expect.poll(() => received).toBe('opened,early,late,')
    deliver?.()
    await expect.poll(() => client.answered).toBe('opened,early,')
    link?.release()
    await expect.poll(() => client.answered).toBe('opened,early,late,')
  })
})
