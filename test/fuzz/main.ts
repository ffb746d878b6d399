/**
 * `node build/test/fuzz/main.js SECONDS`: the parsers in turns, until the time is over. Ends with
 * `N parsers, N executions, N of N branches`. A parser that fails is named with its bytes, which stay in `build/fuzz/failed`: each run tries
 * these first. `SGRING_SEED` runs the same again.
 */

import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { seed } from '../scsi/random.ts'
import { Coverage } from './coverage.ts'
import { Fuzzed, ParserFailed } from './loop.ts'
import { parsers } from './parsers.ts'
import { save, saved } from './saved.ts'

const seconds = Number(process.argv[2])
if (!(seconds > 0)) throw new Error('how many seconds?')
const end = performance.now() + 1000 * seconds

console.log(`seed ${seed}`)
const failed = fileURLToPath(new URL('../../fuzz/failed', import.meta.url))
using coverage = new Coverage(new URL('../../../dist/', import.meta.url).href)
const all = parsers.map(
  (parser, index) => new Fuzzed(parser, coverage, seed + index, saved(failed, parser.name)),
)
try {
  for (const fuzzed of all) await fuzzed.begin()
  while (performance.now() < end) {
    for (const fuzzed of all) await fuzzed.batch()
  }
} catch (error) {
  if (error instanceof ParserFailed) {
    const path = relative(process.cwd(), save(failed, error.parser, error.input))
    console.error(`its input is in ${path}, which "npm run fuzz -- --target parsers" tries first`)
  }
  throw error
}
const executions = all.reduce((sum, fuzzed) => sum + fuzzed.executions, 0)
const { reached, known } = coverage.branches
console.log(`${all.length} parsers, ${executions} executions, ${reached} of ${known} branches`)
