/** A script, as text: the build and the tests embed it. */
declare module '*.lua' {
  const source: string
  export default source
}
