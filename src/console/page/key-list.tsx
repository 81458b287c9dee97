import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ago, isToday } from './format'
import type { Item } from './types'

/** The height of a line, in pixels: as in the style sheet. */
const ROW = 52

/** How many lines above and below the visible ones exist. */
const MARGIN = 8

const FILTERS = {
  all: { title: 'All', keeps: () => true },
  today: { title: 'Changed today', keeps: ({ changed }: Item) => changed !== undefined && isToday(changed.at) },
  differs: { title: 'Differs from default', keeps: ({ differs }: Item) => differs === true },
  unfit: { title: 'Does not fit the schema', keeps: ({ unfit }: Item) => unfit === true },
} as const

type Filter = keyof typeof FILTERS

export interface KeyListProps {
  readonly items: readonly Item[]
  readonly selected: string | undefined
  readonly isLoading: boolean
}

/** The list of keys: only its visible lines are in the document. */
export function KeyList({ items, selected, isLoading }: KeyListProps) {
  const [search, setSearch] = useState('')
  const [filter, setFilter] = useState<Filter>('all')
  const found = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean)
    const matches = ({ key, preview = '' }: Item) =>
      words.every(word => key.toLowerCase().includes(word) || preview.toLowerCase().includes(word))
    return items.filter(item => FILTERS[filter].keeps(item) && matches(item))
  }, [items, search, filter])
  return (
    <section class="list" aria-label="Keys">
      <div class="tools">
        <input
          id="search"
          type="search"
          placeholder="Search keys and values ( / )"
          aria-label="Search keys and values"
          value={search}
          onInput={event => setSearch(event.currentTarget.value)}
        />
        <div class="filters" role="group" aria-label="Filter">
          {Object.entries(FILTERS).map(([name, { title }]) => (
            <button key={name} type="button" aria-pressed={filter === name} onClick={() => setFilter(name as Filter)}>
              {title}
            </button>
          ))}
        </div>
        <p class="quiet" role="status">
          {isLoading ? 'Loading…' : summary(found.length, items.length)}
        </p>
      </div>
      <Rows items={found} selected={selected} />
    </section>
  )
}

function summary(found: number, total: number): string {
  if (total === 0) return 'There are no keys yet.'
  if (found === 0) return `None of ${total} ${total === 1 ? 'key' : 'keys'} matches.`
  return found === total ? `${total} ${total === 1 ? 'key' : 'keys'}` : `${found} of ${total} keys`
}

function Rows({ items, selected }: { items: readonly Item[]; selected: string | undefined }) {
  const list = useRef<HTMLDivElement>(null)
  const wanted = useRef<number | undefined>(undefined)
  const [view, setView] = useState({ top: 0, height: 800 })
  const measure = () => {
    const { scrollTop = 0, clientHeight = 800 } = list.current ?? {}
    setView({ top: scrollTop, height: clientHeight })
  }
  useEffect(() => {
    measure()
    addEventListener('resize', measure)
    return () => removeEventListener('resize', measure)
  }, [])
  useEffect(() => {
    const link =
      wanted.current === undefined ? null : list.current?.querySelector<HTMLElement>(`[data-at="${wanted.current}"]`)
    if (!link) return
    wanted.current = undefined
    link.focus({ preventScroll: true })
  })
  const first = Math.max(0, Math.floor(view.top / ROW) - MARGIN)
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / ROW) + MARGIN)
  const move = (event: KeyboardEvent) => {
    const from = Number((event.target as HTMLElement).dataset.at ?? -1)
    const to = target(event.key, from, items.length, Math.floor(view.height / ROW))
    if (to === undefined || !list.current) return
    event.preventDefault()
    wanted.current = to
    const { scrollTop, clientHeight } = list.current
    if (to * ROW < scrollTop) list.current.scrollTop = to * ROW
    else if ((to + 1) * ROW > scrollTop + clientHeight) list.current.scrollTop = (to + 1) * ROW - clientHeight
    measure()
  }
  return (
    <div class="rows" ref={list} onScroll={measure} onKeyDown={move}>
      <ul style={{ height: `${items.length * ROW}px` }}>
        {items.slice(first, last).map((item, index) => (
          <Row key={item.key} item={item} at={first + index} total={items.length} isSelected={item.key === selected} />
        ))}
      </ul>
    </div>
  )
}

/** Where a key of the keyboard leads. */
function target(key: string, from: number, total: number, page: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -total,
    End: total,
  }
  const by = steps[key]
  return by === undefined || total === 0 ? undefined : Math.min(total - 1, Math.max(0, from + by))
}

function Row({ item, at, total, isSelected }: { item: Item; at: number; total: number; isSelected: boolean }) {
  const { key, preview, masked, stored, unfit, differs, changed } = item
  return (
    <li aria-setsize={total} aria-posinset={at + 1} style={{ top: `${at * ROW}px` }}>
      <a href={`#/key/${encodeURIComponent(key)}`} data-at={at} aria-current={isSelected ? 'true' : undefined}>
        <span class="key">{key}</span>
        <span class="marks">
          {unfit ? <span class="mark bad">does not fit</span> : null}
          {differs ? <span class="mark">differs</span> : null}
          {stored ? null : <span class="mark">default</span>}
          {changed ? <span class="quiet">{ago(changed.at)}</span> : null}
        </span>
        <span class="preview">{masked ? '••••••' : (preview ?? '')}</span>
      </a>
    </li>
  )
}
