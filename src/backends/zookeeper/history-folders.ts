import { isCount } from './members.js'

/** How many positions a folder spans: a page lists one or two folders, however long the history is. */
const FOLDER_SPAN = 128

const NAME = /^from-(\d{10,16})$/

/** The znode above the commits from a position on, such as `from-0000000129`. */
export function folderName(first: number): string {
  return `from-${String(first).padStart(10, '0')}`
}

/** Returns the first position of a folder, or `undefined` if no folder has that name. */
export function parseFolderName(name: string): number | undefined {
  const first = Number(NAME.exec(name)?.[1] ?? Number.NaN)
  return isCount(first) && folderName(first) === name ? first : undefined
}

/** The folder of the next commits, by its first position, and whether it must be created. */
export function nextFolder({ position, folder }: { readonly position: number; readonly folder?: number | undefined }): {
  readonly first: number
  readonly isNew: boolean
} {
  const next = position + 1
  const isOpen = folder !== undefined && folder <= next && next - folder < FOLDER_SPAN
  return isOpen ? { first: folder, isNew: false } : { first: next, isNew: true }
}

/** The folder in which a position is, of those that exist in ascending order. */
export function folderOf(position: number, folders: readonly number[]): number | undefined {
  return folders.findLast(first => first <= position)
}
