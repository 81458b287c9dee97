/** The default of every option `timeout`, in ms. */
export const DEFAULT_TIMEOUT = 5_000
