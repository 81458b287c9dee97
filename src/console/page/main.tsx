import { render } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, get } from './api'
import { Editor } from './editor'
import { History } from './history'
import { KeyList, type KeyListProps } from './key-list'
import { follow } from './live'
import { Replicas } from './replicas'
import type { Info, Item, ItemList } from './types'

interface Place {
  readonly view: 'keys' | 'key' | 'history' | 'replicas'
  readonly key: string | undefined
}

function placeOf(hash: string): Place {
  const [, view = '', key = ''] = /^#\/(\w*)(?:\/(.*))?$/s.exec(hash) ?? []
  const name = key === '' ? undefined : decoded(key)
  if (view === 'history') return { view, key: name }
  if (view === 'replicas') return { view, key: undefined }
  return view === 'key' && name !== undefined ? { view, key: name } : { view: 'keys', key: undefined }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash))
  useEffect(() => {
    const follow = () => setPlace(placeOf(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return place
}

/** The list as it is now: read again whenever the page is connected, and changed by events. */
function useLive() {
  const [items, setItems] = useState<readonly Item[]>([])
  const [info, setInfo] = useState<Info>()
  const [isConnected, setConnected] = useState(true)
  const [isReachable, setReachable] = useState(true)
  const [fault, setFault] = useState('')
  const [tick, setTick] = useState(0)
  const read = useRef(0)
  useEffect(() => {
    const load = async () => {
      read.current += 1
      const own = read.current
      try {
        const [about, list] = await Promise.all([get<Info>('api/info'), get<ItemList>('api/keys')])
        if (own !== read.current) return load()
        setInfo(about)
        setItems(list.items)
        setReachable(list.reachable)
        setConnected(true)
        setFault('')
        setTick(count => count + 1)
      } catch (error) {
        if (error instanceof ApiError) setFault(error.message)
        else setConnected(false)
      }
    }
    return follow({
      ready: () => void load(),
      lost: () => setConnected(false),
      changed: changes => {
        read.current += 1
        setItems(known => merged(known, changes))
        setTick(count => count + 1)
      },
    })
  }, [])
  return { items, info, isConnected, isReachable, fault, tick }
}

/** Keys that are neither stored nor declared any more are left out. */
function merged(items: readonly Item[], changes: readonly Item[]): readonly Item[] {
  const all = new Map(items.map(item => [item.key, item]))
  for (const item of changes) {
    if (item.stored || item.declared) all.set(item.key, item)
    else all.delete(item.key)
  }
  return [...all.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** How often the page updates how long ago something was, in ms. */
const CLOCK = 30_000

function useClock(): void {
  const [, setCount] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setCount(count => count + 1), CLOCK)
    return () => clearInterval(timer)
  }, [])
}

function App() {
  useClock()
  const { items, info, isConnected, isReachable, fault, tick } = useLive()
  const { view, key } = usePlace()
  useEffect(() => {
    document.title = info ? `${info.name} · durabledict console` : 'durabledict console'
  }, [info?.name])
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test((event.target as Element).tagName)
      if (event.key === '/' && !isTyping) {
        event.preventDefault()
        document.getElementById('search')?.focus()
      } else if (event.key === 'Escape' && view === 'key') location.hash = '#/'
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [view])
  return (
    <>
      <header>
        <h1>{info?.name ?? 'durabledict'}</h1>
        <nav aria-label="Views">
          <Tab to="#/" title="Keys" isHere={view === 'keys' || view === 'key'} />
          {info?.history ? <Tab to="#/history" title="History" isHere={view === 'history'} /> : null}
          {info?.replicas ? <Tab to="#/replicas" title="Replicas" isHere={view === 'replicas'} /> : null}
        </nav>
        <p class="who">
          {info?.readOnly ? <span class="mark">read-only</span> : null} {info?.user}
        </p>
      </header>
      <p role="alert" class="alert" hidden={isConnected && isReachable && fault === ''}>
        {fault ||
          (isConnected
            ? isReachable
              ? ''
              : 'The store cannot be reached: this is what memory holds.'
            : 'The connection to the server is lost. What you see may be old.')}
      </p>
      <main class={view === 'key' ? 'with-key' : ''}>
        {view === 'keys' || view === 'key' ? (
          <Keys
            items={items}
            isLoading={info === undefined && isConnected && fault === ''}
            isWritable={info?.readOnly === false}
            selected={key}
          />
        ) : null}
        {view === 'key' && key !== undefined ? (
          <Editor key={key} name={key} tick={tick} hasHistory={info?.history ?? false} />
        ) : null}
        {view === 'history' ? <History only={key} tick={tick} /> : null}
        {view === 'replicas' ? <Replicas /> : null}
      </main>
    </>
  )
}

function Tab({ to, title, isHere }: { to: string; title: string; isHere: boolean }) {
  return (
    <a href={to} aria-current={isHere ? 'page' : undefined}>
      {title}
    </a>
  )
}

function Keys({ isWritable, ...list }: KeyListProps & { readonly isWritable: boolean }) {
  const [name, setName] = useState('')
  return (
    <div class="keys">
      <KeyList {...list} />
      {isWritable ? (
        <form
          class="new"
          onSubmit={event => {
            event.preventDefault()
            if (name !== '') location.hash = `#/key/${encodeURIComponent(name)}`
            setName('')
          }}
        >
          <input
            aria-label="A new key"
            placeholder="A new key"
            value={name}
            onInput={event => setName(event.currentTarget.value)}
          />
          <button type="submit">Add</button>
        </form>
      ) : null}
    </div>
  )
}

render(<App />, document.getElementById('app') as HTMLElement)
