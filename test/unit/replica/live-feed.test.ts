import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Change } from '../../../src/contract/backend.js'
import { LiveFeed } from '../../../src/replica/live-feed.js'

vi.mock('../../../src/time/clock.js', () => import('./global-clock.js'))

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'setImmediate', 'clearImmediate'] })
})

/** Feeds of the test. Those with the same interval share a timer, so each must be stopped. */
const feeds: LiveFeed[] = []

afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.stop()
  vi.useRealTimers()
})

const CHANGE: Change<unknown> = { previous: 1, version: 2, effects: [] }

/** A feed on a replica that the test controls. */
function play({ push = true, heartbeat = 300, bound = 1_000 } = {}) {
  const replica = {
    confirmedAt: performance.now(),
    currentUntil: (bound: number) => replica.confirmedAt + bound,
    resync: vi.fn(async () => {}),
    interrupted: vi.fn(),
    refresh: vi.fn(async () => {
      replica.confirmedAt = performance.now()
      feed.confirmed()
    }),
    push: vi.fn((_change: Change<unknown>) => true),
    subscribe: vi.fn(async () => unsubscribe),
  }
  const unsubscribe = vi.fn(async () => {})
  const [onStale, onFresh] = [vi.fn(), vi.fn()]
  const feed = new LiveFeed(replica, { heartbeat, bound, onStale, onFresh })
  feeds.push(feed)
  return { feed, replica, unsubscribe, onStale, onFresh, start: () => feed.start(push) }
}

const down = new Error('down')

describe('LiveFeed', () => {
  test('subscribes first, and then checks for changes in between', async () => {
    const { replica, start } = play()
    await start()
    expect(replica.subscribe.mock.invocationCallOrder[0]).toBeLessThan(
      replica.refresh.mock.invocationCallOrder[0] as number,
    )
  })

  test('a push that chains costs no check, and a gap, a hint without content or an interruption costs one', async () => {
    const { feed, replica, start } = play()
    await start()
    replica.refresh.mockClear()
    feed.changed(CHANGE)
    expect(replica.refresh).not.toHaveBeenCalled()
    replica.push.mockReturnValue(false)
    feed.changed(CHANGE)
    await vi.advanceTimersByTimeAsync(0)
    feed.changed()
    await vi.advanceTimersByTimeAsync(0)
    feed.interrupted(down)
    await vi.advanceTimersByTimeAsync(0)
    expect(replica.refresh).toHaveBeenCalledTimes(3)
  })

  test('a burst of hints costs one check in progress and one after it', async () => {
    const { feed, replica, start } = play()
    await start()
    replica.refresh.mockClear()
    for (let hint = 0; hint < 1_000; hint += 1) feed.changed()
    await vi.advanceTimersByTimeAsync(0)
    expect(replica.refresh.mock.calls.length).toBeLessThanOrEqual(2)
  })

  test('emits stale once with its cause when the bound is exceeded, fresh once when it is met, and again next time', async () => {
    const { replica, onStale, onFresh, start } = play()
    await start()
    const good = replica.refresh.getMockImplementation() as () => Promise<void>
    for (let time = 1; time <= 2; time += 1) {
      replica.refresh.mockRejectedValue(down)
      await vi.advanceTimersByTimeAsync(5_000)
      expect(onStale).toHaveBeenCalledTimes(time)
      expect(onStale).toHaveBeenLastCalledWith(down)
      expect(onFresh).toHaveBeenCalledTimes(time - 1)
      replica.refresh.mockImplementation(good)
      await vi.advanceTimersByTimeAsync(5_000)
      expect(onFresh).toHaveBeenCalledTimes(time)
    }
    expect(onStale).toHaveBeenCalledTimes(2)
  })

  test('a healthy store is never stale, with or without push', async () => {
    for (const push of [true, false]) {
      const { onStale, replica, start } = play({ push })
      await start()
      await vi.advanceTimersByTimeAsync(60_000)
      expect(onStale).not.toHaveBeenCalled()
      expect(replica.refresh.mock.calls.length).toBeGreaterThan(150)
    }
  })

  test('a hanging check does not hide that memory is stale', async () => {
    const { replica, onStale, start } = play()
    await start()
    replica.refresh.mockReturnValue(new Promise(() => {}))
    await vi.advanceTimersByTimeAsync(2_000)
    expect(onStale).toHaveBeenCalledOnce()
  })

  test('feeds with the same interval check in the same tick', async () => {
    const [one, other] = [play(), play()]
    await one.start()
    await vi.advanceTimersByTimeAsync(100)
    await other.start()
    const times = [one, other].map(({ replica }) => {
      const noted: number[] = []
      replica.refresh.mockImplementation(async () => {
        noted.push(performance.now())
        replica.confirmedAt = performance.now()
      })
      return noted
    })
    await vi.advanceTimersByTimeAsync(3_000)
    expect(times[0]?.length).toBeGreaterThan(8)
    expect(times[1]).toEqual(times[0])
    await one.feed.stop()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(times[1]?.length).toBeGreaterThan(times[0]?.length as number)
  })

  test('stopped: no timer remains, it is unsubscribed, and late pushes do nothing', async () => {
    const { feed, replica, unsubscribe, onStale, start } = play()
    await start()
    await feed.stop()
    expect(unsubscribe).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
    replica.refresh.mockClear()
    feed.changed(CHANGE)
    feed.interrupted(down)
    feed.confirmed()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(replica.push).not.toHaveBeenCalled()
    expect(replica.refresh).not.toHaveBeenCalled()
    expect(onStale).not.toHaveBeenCalled()
  })

  test('stopped during a check: no timer follows', async () => {
    const { feed, replica, start } = play()
    await start()
    let answer = () => {}
    replica.refresh.mockReturnValue(
      new Promise(resolve => {
        answer = resolve
      }),
    )
    await vi.advanceTimersByTimeAsync(400)
    await feed.stop()
    answer()
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})
