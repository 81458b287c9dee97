/** A Lua script as text. The build and the tests embed it. */
declare module '*.lua' {
  const source: string
  export default source
}

/** The same for SQL. */
declare module '*.sql' {
  const source: string
  export default source
}
