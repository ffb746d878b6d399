/**
 * `npm run test:kernel [-- FILTER… --kernel 6.1|newest --kvm --json]`: the kernel tests, in guests with Debian 12's kernel and with the
 * newest that there is. Ends with `N passed, N failed, N skipped`, and with exit code 3 when a kernel was not to be had.
 */

import { parseArgs } from 'node:util'
import { kernelLane } from './lib/kernel-lane.js'
import { kernelNames, noKernelCode } from './lib/kernels.js'
import { main } from './lib/stop.js'
import { exitCode, line, sum, summary } from './lib/tally.js'
import { root, setup } from './setup.js'

main(async () => {
  const { values, positionals: filters } = parseArgs({
    allowPositionals: true,
    options: {
      kernel: { type: 'string' },
      kvm: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  await setup()

  /** @type {import('./lib/tally.js').Outcome[]} */
  const outcomes = []
  const stream = values.json ? process.stderr : process.stdout
  const missing = await kernelLane(root, {
    kernels: kernelNames.filter((name) => values.kernel === undefined || values.kernel === name),
    chosen: (path) => filters.length === 0 || filters.some((filter) => path.includes(filter)),
    fetch: true,
    kvm: values.kvm,
    note: (text) => stream.write(`${text}\n`),
    tell: (outcome) => {
      outcomes.push(outcome)
      stream.write(line(outcome))
    },
  })
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ ok: exitCode(outcomes) === 0, ...sum(outcomes), suites: outcomes })}\n`
      : `\n${summary(outcomes)}`,
  )
  return missing.length > 0 && sum(outcomes).failed === 0 ? noKernelCode : exitCode(outcomes)
})
