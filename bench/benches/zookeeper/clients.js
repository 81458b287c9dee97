// @ts-check
import zookeeper from 'node-zookeeper-client'
import { Connection } from '../../../dist/backends/zookeeper/client/connection.js'
import { Output } from '../../../dist/backends/zookeeper/client/jute.js'
import { connectRequest, NO_SESSION, readStat, readZnode } from '../../../dist/backends/zookeeper/client/packets.js'
import { ZookeeperDict } from '../../../dist/index.js'

/** @typedef {import('../../types.js').Dict} Dict */
/** @typedef {import('../../../dist/index.js').CommonOptions & import('../../../dist/index.js').ZookeeperOptions} Options */

/**
 * A connected client: the dictionary through it, and the bare calls.
 * @typedef {object} Client
 * @property {string} name
 * @property {(path: string, options?: Options) => Promise<Dict>} open a dictionary
 * @property {(path: string, options?: Options) => Promise<Dict>} openElsewhere the same, in a separate session
 * @property {(path: string, data: Buffer) => Promise<unknown>} setData
 * @property {(path: string, watch: boolean) => Promise<Buffer>} getData
 * @property {(listener: () => void) => void} onChange of a znode that was read with a watch
 * @property {() => void} close
 */

/** Long enough that no heartbeat falls into the measurement, in ms. */
const SESSION_TIMEOUT = 60_000

/** @type {Record<string, (address: string) => Promise<Client>>} */
export const CLIENTS = { 'connection string': openOwn, 'node-zookeeper-client': openNodeClient }

/** Requests that the dictionary never sends: `setData` outside transactions, `getData` with a watch of the next change. */
const [GET_DATA, SET_DATA] = [4, 5]

/** The dictionary's own client, without the dictionary: its connection. @param {string} address @returns {Promise<Client>} */
async function openOwn(address) {
  const [host = '', port] = address.split(':')
  let listener = () => {}
  /** @type {Connection} */
  const connection = await new Promise((resolve, reject) => {
    const opened = new Connection(
      { host, port: Number(port) },
      {
        opened: () => opened.say(connectRequest(0n, SESSION_TIMEOUT, NO_SESSION)),
        greeted: () => resolve(opened),
        changed: () => listener(),
        childrenChanged: () => {},
        seen: () => {},
        closed: reject,
      },
    )
  })
  /** @template V @param {(xid: number) => Buffer} request @param {(input: any) => V} read @returns {Promise<V>} */
  const ask = (request, read) =>
    new Promise((resolve, reject) =>
      connection.ask(request, read, (fault, value) => (fault ? reject(fault) : resolve(/** @type {V} */ (value)))),
    )
  return {
    name: 'connection string',
    open: openElsewhere(address),
    openElsewhere: openElsewhere(address),
    setData: (path, data) =>
      ask(xid => new Output().int(xid).int(SET_DATA).text(path).bytes(data).int(-1).frame(), readStat),
    getData: async (path, watch) =>
      (await ask(xid => new Output().int(xid).int(GET_DATA).text(path).bool(watch).frame(), readZnode)).data,
    onChange: given => {
      listener = given
    },
    close: () => connection.destroy(new Error('It was closed.')),
  }
}

/** @param {string} address @returns {Client['openElsewhere']} */
function openElsewhere(address) {
  return async (path, options) =>
    /** @type {Dict} */ (await ZookeeperDict.open(path, address, { sessionTimeout: SESSION_TIMEOUT, ...options }))
}

/** @param {string} address @returns {Promise<Client>} */
async function openNodeClient(address) {
  const client = zookeeper.createClient(address, { sessionTimeout: SESSION_TIMEOUT })
  const connected = new Promise(resolve => client.once('connected', () => resolve(undefined)))
  client.connect()
  await connected
  let listener = () => {}
  return {
    name: 'node-zookeeper-client',
    open: async (path, options) => /** @type {Dict} */ (await ZookeeperDict.open(path, client, options)),
    openElsewhere: openElsewhere(address),
    setData: (path, data) =>
      new Promise((resolve, reject) =>
        client.setData(path, data, -1, (fault, stat) => (fault ? reject(fault) : resolve(stat))),
      ),
    getData: (path, watch) =>
      new Promise((resolve, reject) => {
        const answer = (/** @type {unknown} */ fault, /** @type {Buffer} */ data) =>
          fault ? reject(fault) : resolve(data)
        if (watch) client.getData(path, () => listener(), answer)
        else client.getData(path, answer)
      }),
    onChange: given => {
      listener = given
    },
    close: () => client.close(),
  }
}

/** By each client, one after the other. @template R @param {string} address @param {(client: Client) => Promise<R[]>} work */
export async function withEachClient(address, work) {
  const results = []
  for (const open of Object.values(CLIENTS)) {
    const client = await open(address)
    results.push(...(await work(client)))
    client.close()
  }
  return results
}
