/**
 * `npm run bench:kernel [-- OPTION…]`: makes the checkout ready, compiles the benchmarks, boots a guest with two disks of scsi_debug, and
 * runs the kernel's suite inside. See `bench/README.md`.
 */

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quoted, runGuest } from '../scripts/lib/guest.js'
import { kernel } from '../scripts/lib/kernels.js'
import { machine } from '../scripts/lib/machines.js'
import { main, Stop } from '../scripts/lib/stop.js'
import { root, setup } from '../scripts/setup.js'
import { compileBenchmarks } from './build.js'

/** Each disk with memory of its own, and commands that end at once: what is left is what it costs to send them. */
const DISKS = 'add_host=2 per_host_store=1 dev_size_mb=64 delay=0'

/** Has the guest's clock be the host's. */
const TIMED = '--timed'

/** What the guest leaves, and what that is called here. */
const KEPT = [
  ['kernel.json', 'kernel.json'],
  ['report.html', 'kernel.html'],
]

main(async () => {
  const { rustc } = await setup(['packages', 'native', 'dist'])
  await compileBenchmarks()
  const args = process.argv.slice(2).filter((word) => word !== TIMED)
  const counted = args.length === process.argv.length - 2
  const words = [process.execPath, 'bench/kernel/guest.js', rustc, ...args]
  const guest = machine({ 'scsi-debug': DISKS, modules: '', qemu: '' })
  const results = mkdtempSync(join(tmpdir(), 'sgring-results-'))
  try {
    const job = `cd ${quoted(root)}\n${words.map(quoted).join(' ')}`
    const end = await runGuest(await kernel('newest'), guest, job, results, {
      paths: [root],
      counted,
      onOutput: (bytes) => process.stdout.write(bytes),
    })
    if (end.status === undefined) throw new Stop(end.trouble)
    const kept = join(root, 'bench/results')
    mkdirSync(kept, { recursive: true })
    for (const [measured, name] of KEPT)
      if (existsSync(join(results, measured)))
        copyFileSync(join(results, measured), join(kept, name))
    return end.status
  } finally {
    rmSync(results, { recursive: true, force: true })
  }
})
