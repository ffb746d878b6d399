/**
 * `npm run bench:kernel [-- OPTION…]`: makes the checkout ready, compiles the benchmarks, boots a guest with two disks of scsi_debug for each of
 * the clocks that the kernel's suites take, and runs them inside. See `bench/README.md`.
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

/** Has every guest's clock be the host's. */
const TIMED = '--timed'

/** @typedef {import('./kernel/suite.ts').KernelSuite} KernelSuite */

main(async () => {
  const { rustc } = await setup(['packages', 'native', 'dist'])
  await compileBenchmarks()
  /** @type {{ SUITES: readonly KernelSuite[] }} */
  const { SUITES } = await import(join(root, 'build/bench/kernel/suite.js'))
  const given = process.argv.slice(2).filter((word) => word !== TIMED)
  // What measures nothing needs no instructions counted.
  const timed = given.length < process.argv.length - 2 || given.includes('--smoke')
  const runs = chosen(SUITES, given).map(({ suite, args }) => ({
    name: suite.name,
    words: [process.execPath, 'bench/kernel/guest.js', suite.name, rustc, ...args],
    counted: suite.counted && !timed,
  }))
  let status = 0
  for (const counted of [true, false]) {
    const together = runs.filter((run) => run.counted === counted)
    // Whatever fails, the others are run.
    if (together.length > 0) status = (await inGuest(together, counted)) || status
  }
  return status
})

/**
 * The suites that have a part in what is asked for, each with its own options.
 *
 * @param {readonly KernelSuite[]} suites
 * @param {readonly string[]} args
 */
function chosen(suites, args) {
  const at = args.findIndex((word) => /^--only(=|$)/.test(word))
  if (at < 0) return suites.map((suite) => ({ suite, args }))
  const joined = args[at]?.startsWith('--only=') ?? false
  const names = (joined ? args[at]?.slice('--only='.length) : args[at + 1])?.split(',') ?? []
  const rest = args.filter((_, index) => index !== at && (joined || index !== at + 1))
  const known = suites.flatMap(({ cases }) => cases.map(({ name }) => name))
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new Stop(`--only: no case ${unknown}; there are ${known.join(', ')}`, 2)
  return suites.flatMap((suite) => {
    const own = names.filter((name) => suite.cases.some((one) => one.name === name))
    return own.length === 0 ? [] : [{ suite, args: [...rest, `--only=${own}`] }]
  })
}

/**
 * Runs suites one after the other in a guest.
 *
 * @param {readonly { name: string, words: readonly string[] }[]} runs
 * @param {boolean} counted
 * @returns {Promise<number>} the exit code of one that failed, else 0
 */
async function inGuest(runs, counted) {
  const guest = machine({ 'scsi-debug': DISKS, modules: '', qemu: '' })
  const results = mkdtempSync(join(tmpdir(), 'sgring-results-'))
  try {
    const lines = runs.map(({ words }) => `${words.map(quoted).join(' ')} || status=$?`)
    const job = [`cd ${quoted(root)}`, 'status=0', ...lines, 'exit $status'].join('\n')
    const end = await runGuest(await kernel('newest'), guest, job, results, {
      paths: [root],
      counted,
      onOutput: (bytes) => process.stdout.write(bytes),
    })
    if (end.status === undefined) throw new Stop(end.trouble)
    const kept = join(root, 'bench/results')
    mkdirSync(kept, { recursive: true })
    for (const { name } of runs)
      for (const [file, kind] of [
        ['results.json', 'json'],
        ['report.html', 'html'],
      ]) {
        const measured = join(results, name, file)
        if (existsSync(measured)) copyFileSync(measured, join(kept, `${name}.${kind}`))
      }
    return end.status
  } finally {
    rmSync(results, { recursive: true, force: true })
  }
}
