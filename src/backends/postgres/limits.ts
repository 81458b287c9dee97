/** How much longer than a call a statement may take, in ms: the database's own limits, which leave the connection in order, come first. */
export const GRACE = 250

/** How often a call is tried again after a failed connection: pools hand out connections that a restarted server has closed. */
export const FAULTS = 2

/** The longest pause before another attempt, in ms. */
export const LONGEST_PAUSE = 50

/** Between the id of a batch and the number of its group, where groups are committed one by one. */
export const APART = '#group-'
