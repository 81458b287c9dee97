import { clearTimeout, setTimeout } from '../time/clock.js'

/** What dictionaries with heartbeats of the same interval share: one timer, so that their checks leave in the same tick. */
interface Rhythm {
  readonly beats: Set<() => void>
  timer: NodeJS.Timeout | undefined
}

const rhythms = new Map<number, Rhythm>()

/**
 * Calls `beat` about every `interval` ms. All callers with the same interval are called in the same tick, so that a client can send
 * their checks in one packet. The interval is jittered, so that the processes of a fleet do not check at the same moment. The timer
 * does not keep the process alive.
 *
 * @returns a function that ends the calls.
 */
export function onHeartbeat(interval: number, beat: () => void): () => void {
  const rhythm = rhythms.get(interval) ?? { beats: new Set(), timer: undefined }
  rhythms.set(interval, rhythm)
  rhythm.beats.add(beat)
  rhythm.timer ??= schedule(interval, rhythm)
  return () => end(interval, rhythm, beat)
}

function schedule(interval: number, rhythm: Rhythm): NodeJS.Timeout {
  const delay = interval * (0.9 + 0.2 * Math.random())
  return setTimeout(() => {
    rhythm.timer = schedule(interval, rhythm)
    for (const beat of rhythm.beats) beat()
  }, delay).unref()
}

function end(interval: number, rhythm: Rhythm, beat: () => void): void {
  rhythm.beats.delete(beat)
  if (rhythm.beats.size > 0) return
  clearTimeout(rhythm.timer)
  rhythm.timer = undefined
  if (rhythms.get(interval) === rhythm) rhythms.delete(interval)
}
