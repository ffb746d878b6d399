/**
 * `node build/test/fuzz/main.js SECONDS`: the parsers in turns, until the time is over. Ends with
 * `N parsers, N executions, N of N branches`. A parser that fails is named with its bytes; `SGRING_SEED` runs the same again.
 */

import { seed } from '../scsi/random.ts'
import { Coverage } from './coverage.ts'
import { Fuzzed } from './loop.ts'
import { parsers } from './parsers.ts'

const seconds = Number(process.argv[2])
if (!(seconds > 0)) throw new Error('how many seconds?')
const end = performance.now() + 1000 * seconds

console.log(`seed ${seed}`)
using coverage = new Coverage(new URL('../../../dist/', import.meta.url).href)
const all = parsers.map((parser, index) => new Fuzzed(parser, coverage, seed + index))
for (const fuzzed of all) await fuzzed.begin()
while (performance.now() < end) {
  for (const fuzzed of all) await fuzzed.batch()
}
const executions = all.reduce((sum, fuzzed) => sum + fuzzed.executions, 0)
const { reached, known } = coverage.branches
console.log(`${all.length} parsers, ${executions} executions, ${reached} of ${known} branches`)
