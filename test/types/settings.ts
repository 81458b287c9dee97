/** Whether two types are identical, not only assignable to each other. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only if the two types are identical: `expectType<Wanted>()(value)`. */
export function expectType<Wanted>(): <Got>(
  value: Got,
  ...same: Same<Wanted, Got> extends true ? [] : [never]
) => void {
  return () => {}
}

export type Settings = { theme: 'dark' | 'light'; perPage: number; tags?: readonly string[] }

export interface SettingsInterface {
  theme: 'dark' | 'light'
  perPage: number
}
