// @ts-check
// What the consumer tests install, in sets, each into a folder of the cache: the one list of its versions.

const platform = `${process.platform}-${process.arch}`

/**
 * The packages with each runtime's binary for this machine, without an install script. @type {Record<string, { bun:
 * string, deno: string }>}
 */
const BINARIES = {
  'linux-x64': { bun: '@oven/bun-linux-x64', deno: '@deno/linux-x64-glibc' },
  'linux-arm64': { bun: '@oven/bun-linux-aarch64', deno: '@deno/linux-arm64-glibc' },
  'darwin-x64': { bun: '@oven/bun-darwin-x64', deno: '@deno/darwin-x64' },
  'darwin-arm64': { bun: '@oven/bun-darwin-aarch64', deno: '@deno/darwin-arm64' },
}

/** Undefined if there are none. */
export const binaries = BINARIES[platform]

/** Oldest first. The oldest is the oldest supported version, named in README.md and docs/guide.md. */
export const TYPESCRIPTS = ['5.4.5', '5.5.4', '5.6.3', '5.7.3', '5.8.3', '5.9.3', '6.0.3', '7.0.2']

/** @param {string} version @param {Record<string, string>} others */
const nest = (version, others) => ({
  ...Object.fromEntries(['common', 'core', 'platform-express'].map(name => [`@nestjs/${name}`, version])),
  ...others,
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
  typeorm: '1.1.1',
})

/** @type {Record<string, Record<string, string>>} */
export const TOOLS = {
  drivers: { '@libsql/client': '0.18.0', 'drizzle-orm': '0.45.4', libsql: '0.5.29', redis: '6.3.1' },
  schemas: { arktype: '2.2.9', valibot: '1.5.0', zod: '4.6.7', '@types/node': '20.19.43' },
  'drizzle-kit': { 'drizzle-kit': '0.31.11' },
  esbuild: { esbuild: '0.28.2' },
  rollup: {
    rollup: '4.68.8',
    '@rollup/plugin-commonjs': '29.0.3',
    '@rollup/plugin-json': '6.1.0',
    '@rollup/plugin-node-resolve': '16.0.3',
  },
  webpack: { webpack: '5.113.0' },
  vite: { vite: '8.3.8' },
  next: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' },
  'nest-11': nest('11.2.10', { '@nestjs/typeorm': '11.0.3', '@nestjs/terminus': '11.1.1' }),
  'nest-12': nest('12.5.1', { '@nestjs/typeorm': '12.0.2', '@nestjs/terminus': '12.1.0' }),
  jest: { jest: '30.5.2' },
  'ts-jest': {
    jest: '30.5.2',
    'ts-jest': '29.4.15',
    typescript: '5.9.3',
    '@types/jest': '30.0.0',
    '@types/node': '20.19.43',
  },
  ...(binaries && { bun: { [binaries.bun]: '1.4.4' }, deno: { [binaries.deno]: '2.9.6' } }),
  ...Object.fromEntries(TYPESCRIPTS.map(version => [`typescript-${version}`, { typescript: version }])),
}
