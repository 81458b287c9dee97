/** For each attempt a function that tells of progress only beyond what earlier attempts have reached: it extends a time limit. */
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
