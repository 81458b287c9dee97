import { MemoryDict } from 'durabledict'
import { check, run } from './check.js'

run(async () => check(await MemoryDict.open(), MemoryDict))
