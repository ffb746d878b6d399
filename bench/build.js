/** Compiles the benchmarks. */

import { join } from 'node:path'
import { run } from '../scripts/lib/child.js'
import { lock } from '../scripts/lib/lock.js'
import { bring } from '../scripts/lib/step.js'
import { Stop } from '../scripts/lib/stop.js'
import { root } from '../scripts/setup.js'

/** Once `dist` is there. One at a time: what is imported must not be written meanwhile. */
export async function compileBenchmarks() {
  const release = await lock(join(root, '.setup', 'bench-lock'), () => {})
  try {
    await bring(root, {
      name: 'bench',
      doing: 'compiling the benchmarks',
      inputs: ['tsconfig.json', 'package-lock.json', 'bench', 'dist'],
      uses: (path) => !path.startsWith('bench/results/'),
      outputs: ['build/bench'],
      make: () =>
        must(process.execPath, ['node_modules/@typescript/native/bin/tsc', '-p', 'bench']),
    })
  } finally {
    release()
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
export async function must(program, args) {
  const { code, output } = await run(program, args, { cwd: root, env: process.env })
  if (code !== 0) throw new Stop(`${output.trimEnd()}\nbench: ${program} failed`)
}
