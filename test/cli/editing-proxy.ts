import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy to a server on this machine that can change what the server answers, or lose an answer and everything after it. */
export async function startEditingProxy(port: number) {
  const sockets = new Set<Socket>()
  const control = { edit: (reply: string) => reply, loseAnswerTo: undefined as string | undefined }
  let lost = false
  const server = createServer(client => {
    if (lost) return void client.destroy()
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => [client, upstream].map(one => one.destroy()))
    }
    client.on('data', data => {
      if (control.loseAnswerTo !== undefined && data.includes(control.loseAnswerTo)) lost = true
      upstream.write(data)
    })
    upstream.on('data', data => {
      if (lost) for (const socket of sockets) socket.destroy()
      else client.write(control.edit(data.toString('latin1')), 'latin1')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(control, {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  })
}
