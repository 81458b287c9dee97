/** A server sent something that no ZooKeeper server sends: the client leaves it, and relies on nothing that it sent. */
export class Violation extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`This is not a ZooKeeper server: ${what}.`, options)
    this.name = 'Violation'
  }
}
