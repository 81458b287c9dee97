import { StateView } from '../views.js'
import { UNKNOWN } from './past-state.js'

/** The view of a past state, of which some keys may no longer be known. */
export class PastView extends StateView {
  override has(key: string): boolean {
    // Throws: neither answer would be known to be true.
    if (this.stored(key) === UNKNOWN) this.get(key)
    return super.has(key)
  }
}
