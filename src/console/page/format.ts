import type { Identity } from './types'

/** How long ago, in short. */
export function ago(at: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - at) / 1_000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.round(seconds / 3_600)} h ago`
  return new Date(at).toLocaleDateString()
}

export function isToday(at: number): boolean {
  return new Date(at).toDateString() === new Date().toDateString()
}

/** What people call a process. */
export function nameOf({ service, host, pid }: Identity): string {
  return service ? `${service} (${host}:${pid})` : `${host}:${pid}`
}
