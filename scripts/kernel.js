/**
 * `node scripts/kernel.js [--kernel 6.1|newest] [OPTION…] -- COMMAND…`: boots a Debian kernel under QEMU with the host's files inside, runs
 * one command as root in this checkout, prints what it prints and exits with its status. `--help` has the options.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { lacking, quoted, runGuest } from './lib/guest.js'
import { kernel, kernelNames, NoKernel } from './lib/kernels.js'
import { machine, machineOptions, withValues } from './lib/machines.js'
import { main, Stop, seconds } from './lib/stop.js'
import { root } from './setup.js'

const usage = `Usage: node scripts/kernel.js [OPTION…] -- COMMAND…

Boots a Debian kernel under QEMU, runs COMMAND as root in this checkout, and exits with its status. The guest sees the host's files,
read-only; /tmp, /run and /dev/shm are its own and empty. COMMAND can load further modules by modprobe, and pass files out by $RESULTS.

  --kernel NAME          6.1 (Debian 12's) or newest (the newest that Debian has). Default: newest
  --scsi-debug PARAMS    parameters of scsi_debug, instead of three disks of 64 MB; 'none': without scsi_debug
  --modules LIST         modules to load before, separated by ';', each with its parameters: 'st; ses'
  --qemu ARGS            further arguments for QEMU, separated by spaces: '-device megasas'; {disk} is an empty image of 64 MiB
  --results FOLDER       what $RESULTS is in the guest; the console's text is kept there too
  --kvm                  uses KVM instead of emulation; where it does not work, the guest hangs
  --console              prints the console's text at the end

Exit codes: COMMAND's; 3 when there is no kernel, or nothing to boot it with; 1 when the guest hangs or panics.
`

main(async () => {
  const { values, positionals } = parseArgs({
    args: withValues(process.argv.slice(2)),
    allowPositionals: true,
    options: {
      kernel: { type: 'string', default: 'newest' },
      ...machineOptions,
      results: { type: 'string' },
      kvm: { type: 'boolean', default: false },
      console: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const name = kernelNames.find((known) => known === values.kernel)
  if (name === undefined || positionals.length === 0) throw new Stop(usage, 2)

  const lack = lacking()
  if (lack !== undefined) throw new NoKernel(`nothing to boot it with: ${lack}`)
  const job = `cd ${quoted(root)}\n${positionals.map(quoted).join(' ')}`
  const results = values.results ?? mkdtempSync(join(tmpdir(), 'sgring-results-'))
  try {
    const end = await runGuest(await kernel(name), machine(values), job, results, {
      paths: [root],
      kvm: values.kvm,
      onOutput: (bytes) => process.stdout.write(bytes),
    })
    if (values.console) process.stderr.write(readFileSync(join(results, 'console')))
    process.stderr.write(
      `guest: up after ${seconds(end.bootSeconds)}, ended after ${seconds(end.seconds)}\n`,
    )
    if (end.status === undefined) throw new Stop(end.trouble)
    return end.status
  } finally {
    if (values.results === undefined) rmSync(results, { recursive: true, force: true })
  }
})
