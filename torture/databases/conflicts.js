// @ts-check

/** How often to repeat a transaction that the server has ended because of another one. */
const ATTEMPTS = 20

/** A transaction of the test that the server may end because of another one. @param {Promise<unknown>} work @param {(error: any) => boolean} isConflict */
export const unlessConflict = (work, isConflict) =>
  work.catch(error => {
    if (!isConflict(error)) throw error
  })

/** @template V @param {() => Promise<V>} work @param {(error: { code?: string, errno?: number }) => boolean} mayPass whether it is worth another attempt */
export async function repeated(work, mayPass) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS || !mayPass(/** @type {{ code?: string, errno?: number }} */ (error))) throw error
    }
  }
}
