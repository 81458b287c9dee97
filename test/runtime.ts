const { bun, deno } = process.versions as { bun?: string; deno?: string }

/** Whether Node.js itself runs the tests, not another runtime: some tests start it with its own options, or expect its messages. */
export const ON_NODE = bun === undefined && deno === undefined
