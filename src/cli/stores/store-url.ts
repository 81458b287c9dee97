/** The parts of a URL that names a dictionary. */
export interface StoreUrl {
  readonly store: 'redis' | 'postgres' | 'sqlite' | 'zookeeper' | undefined
  /** What comes before the name: the server, or the file with its scheme. */
  readonly server: string
  readonly name: string
}

const STORES: Readonly<Record<string, StoreUrl['store']>> = {
  redis: 'redis',
  rediss: 'redis',
  postgres: 'postgres',
  postgresql: 'postgres',
  sqlite: 'sqlite',
  zookeeper: 'zookeeper',
}

/** @throws URIError if the name is not percent-encoded. */
export function parseStoreUrl(url: string): StoreUrl {
  const [server = '', name = ''] = url.split('#', 2)
  const scheme = /^[a-z]+/i.exec(url)?.[0].toLowerCase() ?? ''
  return { store: Object.hasOwn(STORES, scheme) ? STORES[scheme] : undefined, server, name: decodeURIComponent(name) }
}

/** The file that `sqlite:…` names. */
export function fileOf(server: string): string {
  return decodeURIComponent(server.slice('sqlite:'.length).replace(/^\/\//, ''))
}
