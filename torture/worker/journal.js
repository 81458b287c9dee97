// @ts-check
import { openSync, writeSync } from 'node:fs'

/** Milliseconds of CLOCK_MONOTONIC, which all processes of this machine share. */
export const now = () => Number(process.hrtime.bigint()) / 1e6

/** The actions of a process, line by line; each is in the file when `write` returns, even if the process is then killed. */
export class Journal {
  #file

  /** @param {string} path */
  constructor(path) {
    this.#file = openSync(path, 'a')
  }

  /** @param {Record<string, unknown>} record */
  write(record) {
    writeSync(this.#file, `${JSON.stringify(record)}\n`)
  }
}
