/** What runs in the guest: `node bench/kernel/guest.js RUSTC [OPTION…]`. Its results go to `$RESULTS`. */

import { join } from 'node:path'
import { main } from '../../scripts/lib/stop.js'
import { root } from '../../scripts/setup.js'

main(async () => {
  const [rustc, ...args] = process.argv.slice(2)
  const { bench } = await import(join(root, 'build/bench/main.js'))
  const { KERNEL } = await import(join(root, 'build/bench/kernel/suite.js'))
  const file = join(process.env.RESULTS ?? '', 'kernel.json')
  return bench(KERNEL, args, { root, rustc, file })
})
