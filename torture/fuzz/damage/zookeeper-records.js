// @ts-check
/** @import { StoredRecord } from './stores.js' */

/**
 * The data of every znode below a path, read and written by another client.
 * @param {any} client of node-zookeeper-client @param {string} path @returns {Promise<StoredRecord[]>}
 */
export async function zookeeperRecords(client, path) {
  const paths = await below(client, path)
  return Promise.all(
    paths.map(async one => ({
      name: `the znode ${one}`,
      bytes:
        (await ask(done =>
          client.getData(one, (/** @type {any} */ error, /** @type {any} */ data) => done(error, data)),
        )) ?? Buffer.alloc(0),
      put: (/** @type {Buffer} */ bytes) => ask(done => client.setData(one, bytes, -1, done)),
      remove: () => ask(done => client.removeRecursive(one, -1, done)),
    })),
  )
}

/** @param {any} client @param {string} path @returns {Promise<string[]>} */
async function below(client, path) {
  const children = await ask(done =>
    client.getChildren(path, (/** @type {any} */ error, /** @type {any} */ names) => done(error, names)),
  )
  const deeper = await Promise.all(
    children.sort().map((/** @type {string} */ name) => below(client, `${path}/${name}`)),
  )
  return [path, ...deeper.flat()]
}

/** @param {(done: (error: unknown, result?: any) => void) => void} call @returns {Promise<any>} */
const ask = call => new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))))
