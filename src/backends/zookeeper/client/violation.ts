/** A server has said what no ZooKeeper server says: it is left, and nothing that it said is relied on. */
export class Violation extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`This is no ZooKeeper server: ${what}.`, options)
    this.name = 'Violation'
  }
}
