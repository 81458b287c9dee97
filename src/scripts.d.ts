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

/** Names a source of the console's page; the import is that source as text, bundled and minified. */
declare module '*.page' {
  const source: string
  export default source
}
