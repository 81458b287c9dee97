// @ts-check
import { readFile } from 'node:fs/promises'
import { checks, overhead } from '../benches/web/overhead.js'
import { suite as sqlite } from './sqlite.js'

const FRAMEWORKS = ['express', 'fastify', 'koa', 'hono', '@nestjs/core']

/** The middleware of each framework, with a dictionary in a file, against the framework alone. @type {import('../types.js').Suite} */
export const suite = {
  name: 'web',
  engine: async () => (await Promise.all(FRAMEWORKS.map(versionOf))).join(', '),
  makePlace: sqlite.makePlace,
  findPlace: sqlite.findPlace,
  benches: {
    express: overhead('Express'),
    fastify: overhead('Fastify'),
    koa: overhead('Koa'),
    hono: overhead('Hono'),
    nestjs: overhead('NestJS'),
    checks,
  },
}

/** @param {string} name */
async function versionOf(name) {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return `${name} ${JSON.parse(await readFile(file, 'utf8')).version}`
}
