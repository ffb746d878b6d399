/** What runs in a guest: `node bench/kernel/guest.js SUITE RUSTC [OPTION…]`. Its results go to `$RESULTS/SUITE`. */

import { join } from 'node:path'
import { main } from '../../scripts/lib/stop.js'
import { root } from '../../scripts/setup.js'

main(async () => {
  const [name, rustc, ...args] = process.argv.slice(2)
  const { bench } = await import(join(root, 'build/bench/main.js'))
  const { SUITES } = await import(join(root, 'build/bench/kernel/suite.js'))
  const suite = SUITES.find((/** @type {{ name: string }} */ suite) => suite.name === name)
  const file = join(process.env.RESULTS ?? '', name ?? '', 'results.json')
  return bench(suite, args, { root, rustc, file })
})
