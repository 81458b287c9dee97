/** A Lua script as text. The build and the tests embed it. */
declare module '*.lua' {
  const source: string
  export default source
}
