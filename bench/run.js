/**
 * `npm run bench [-- OPTION…]`: makes the checkout ready, compiles the benchmarks, builds their native side and rivals, and runs
 * `bench/main.ts`. See `bench/README.md`.
 */

import { join } from 'node:path'
import { main } from '../scripts/lib/stop.js'
import { root, setup } from '../scripts/setup.js'
import { buildAddons, buildNativeBenchmarks, buildRivals, compileBenchmarks } from './build.js'

/** What measures nothing, and needs no native code. */
const SAVED = ['--compare', '--publish', '--help']

main(async () => {
  const args = process.argv.slice(2)
  const measures = !args.some((arg) => SAVED.includes(arg))
  const { rustc } = await setup(measures ? ['packages', 'native', 'dist'] : ['packages', 'dist'])
  await compileBenchmarks()
  if (measures) {
    await buildNativeBenchmarks(rustc)
    await buildAddons(rustc)
  }
  const { bench } = await import(join(root, 'build/bench/main.js'))
  const { takesRivals } = await import(join(root, 'build/bench/options.js'))
  const { RINGS } = await import(join(root, 'build/bench/cases/index.js'))
  if (measures && takesRivals(args, RINGS)) await buildRivals(rustc)
  const file = join(root, 'bench/results/latest.json')
  return bench(RINGS, args, { root, rustc, file })
})
