/** Compiles the benchmarks. */

import { run } from '../scripts/lib/child.js'
import { bring } from '../scripts/lib/step.js'
import { Stop } from '../scripts/lib/stop.js'
import { root } from '../scripts/setup.js'

/** Once `dist` is there. */
export async function compileBenchmarks() {
  await bring(root, {
    name: 'bench',
    doing: 'compiling the benchmarks',
    inputs: ['tsconfig.json', 'package-lock.json', 'bench', 'dist'],
    uses: (path) => !path.startsWith('bench/results/'),
    outputs: ['build/bench'],
    make: () => must(process.execPath, ['node_modules/@typescript/native/bin/tsc', '-p', 'bench']),
  })
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
export async function must(program, args) {
  const { code, output } = await run(program, args, { cwd: root, env: process.env })
  if (code !== 0) throw new Stop(`${output.trimEnd()}\nbench: ${program} failed`)
}
