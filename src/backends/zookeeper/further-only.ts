/**
 * Returns a function that creates a progress callback for each attempt. It reports progress only beyond that of
 * earlier attempts, because progress extends a time limit.
 */
export function furtherOnly(progress: () => void): () => () => void {
  let furthest = 0
  return () => {
    let reached = 0
    return () => {
      reached += 1
      if (reached <= furthest) return
      furthest = reached
      progress()
    }
  }
}
