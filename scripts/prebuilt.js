/**
 * `npm run test:prebuilt [-- FILTER…]`: the TypeScript tests against the native library that stands in native/, whoever built it. It needs no
 * Rust: this is how a library that was built for another machine is tested there. Tests that compare with Rust's sources or build
 * packages are not among them.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runFiles, testFiles } from './lib/files.js'
import { main, Stop } from './lib/stop.js'
import { exitCode, line, summary } from './lib/tally.js'
import { root, setup } from './setup.js'

/** What runs the library, as folders of test/. */
const folders = ['contract', 'process', 'ring', 'target', 'testing', 'scsi', 'initiator']

main(async () => {
  const filters = process.argv.slice(2)
  await setup(['packages', 'dist', 'tests'])
  const { nativePlatform } = await import(join(root, 'dist/platform.js'))
  const library = join('native', `sgring.${nativePlatform()}.node`)
  if (!existsSync(join(root, library))) throw new Stop(`${library}: is not there`, 2)

  /** @type {import('./lib/tally.js').Outcome[]} */
  const outcomes = []
  const files = testFiles(root)
    .filter((path) => folders.some((folder) => path.startsWith(`test/${folder}/`)))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
  await runFiles(root, files, (outcome) => {
    outcomes.push(outcome)
    process.stdout.write(line(outcome))
  })
  process.stdout.write(`\n${summary(outcomes)}`)
  return exitCode(outcomes)
})
