/**
 * `npm run torture -- --minutes N --seed S [--walk whole|POINTS|none] [--clients N] [--json] [--help]`: makes the checkout ready, builds it once
 * more with kill points, and has `test/torture` kill what it can.
 */

import { join } from 'node:path'
import { buildKillPoints } from './lib/kill-points.js'
import { main } from './lib/stop.js'
import { root, setup } from './setup.js'

main(async () => {
  const args = process.argv.slice(2)
  const { rustc } = await setup()
  const kills = !['--help', '-h', 'none', '--walk=none'].some((word) => args.includes(word))
  if (kills) await buildKillPoints(rustc)
  const { torture } = await import(join(root, 'build/test/torture/main.js'))
  return torture(args)
})
