import type { Entry, Identity, Issue, Progress } from './types'

/** The server refused a request, or could not carry it out. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly current: Entry | undefined
  readonly issues: readonly Issue[] | undefined
  readonly waitingFor: readonly Identity[] | undefined
  /** Whether the same request with `force` is carried out. */
  readonly forcible: boolean

  constructor(status: number, error: ErrorBody) {
    super(error.message ?? `The server answered with status ${status}.`)
    this.status = status
    this.code = error.code ?? ''
    this.current = error.current
    this.issues = error.issues
    this.waitingFor = error.waitingFor
    this.forcible = error.forcible ?? false
  }
}

interface ErrorBody {
  readonly message?: string
  readonly code?: string
  readonly current?: Entry
  readonly issues?: readonly Issue[]
  readonly waitingFor?: readonly Identity[]
  readonly forcible?: boolean
}

/** The connection was lost: whether a change was made is unknown. */
export class ConnectionLost extends Error {
  constructor() {
    super('The connection to the server was lost.')
  }
}

export async function get<T>(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<T> {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value)
  const response = await connected(fetch(search.size > 0 ? `${path}?${search}` : path, { redirect: 'error' }))
  return (await bodyOf(response)) as T
}

/** Sends a change once. It is never repeated: if the connection is lost, the page looks up what is stored instead. */
export async function post<T>(path: string, body: object, onProgress: (progress: Progress) => void): Promise<T> {
  const init: RequestInit = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, request: randomId() }),
    redirect: 'error',
  }
  const response = await connected(fetch(path, init))
  if (response.headers.get('content-type')?.startsWith('application/x-ndjson'))
    return (await followed(response, onProgress)) as T
  return (await bodyOf(response)) as T
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
}

async function connected<V>(work: Promise<V>): Promise<V> {
  try {
    return await work
  } catch {
    throw new ConnectionLost()
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await connected(response.text())
  const json: unknown = response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : {}
  if (response.ok) return json
  throw new ApiError(response.status, (json as { error?: ErrorBody }).error ?? {})
}

/** Reads the lines of a write that waits for every process. */
async function followed(response: Response, onProgress: (progress: Progress) => void): Promise<unknown> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { done, value } = await connected(reader.read())
    if (done) throw new ConnectionLost()
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const said = JSON.parse(line) as { progress?: Progress; done?: unknown; error?: ErrorBody }
      if (said.progress) onProgress(said.progress)
      else if (said.error) throw new ApiError(200, said.error)
      else return said.done
    }
  }
}
