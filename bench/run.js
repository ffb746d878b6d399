/**
 * `npm run bench [-- OPTION…]`: makes the checkout ready, compiles the benchmarks, builds their native side, and runs
 * `bench/main.ts`. See `bench/README.md`.
 */

import { join } from 'node:path'
import { run } from '../scripts/lib/child.js'
import { bring } from '../scripts/lib/step.js'
import { main, Stop } from '../scripts/lib/stop.js'
import { root, setup } from '../scripts/setup.js'

main(async () => {
  const { rustc } = await setup(['packages', 'native', 'dist'])
  await bring(root, {
    name: 'bench',
    doing: 'compiling the benchmarks',
    inputs: ['tsconfig.json', 'package-lock.json', 'bench', 'dist'],
    uses: (path) => !path.startsWith('bench/results/'),
    outputs: ['build/bench'],
    make: () => must(process.execPath, ['node_modules/@typescript/native/bin/tsc', '-p', 'bench']),
  })
  await bring(root, {
    name: 'bench-native',
    doing: 'building the native benchmarks',
    inputs: [
      'Cargo.toml',
      'Cargo.lock',
      'crates/bench',
      'crates/ring',
      'crates/shm',
      'crates/task',
    ],
    versions: [rustc, process.env.RUSTFLAGS ?? '', process.env.CARGO_TARGET_DIR ?? ''],
    // What `cargo clean` takes has to come again; a folder of the caller's own is cargo's business.
    outputs: process.env.CARGO_TARGET_DIR === undefined ? ['target/release/sgring-bench'] : [],
    make: () => must('cargo', ['build', '--offline', '--release', '-p', 'sgring-bench']),
  })
  const { bench } = await import(join(root, 'build/bench/main.js'))
  return bench(process.argv.slice(2), { root, rustc })
})

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
async function must(program, args) {
  const { code, output } = await run(program, args, { cwd: root, env: process.env })
  if (code !== 0) throw new Stop(`${output.trimEnd()}\nbench: ${program} failed`)
}
