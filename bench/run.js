/**
 * `npm run bench [-- OPTION…]`: makes the checkout ready, compiles the benchmarks, builds their native side, and runs
 * `bench/main.ts`. See `bench/README.md`.
 */

import { join } from 'node:path'
import { bring } from '../scripts/lib/step.js'
import { main } from '../scripts/lib/stop.js'
import { root, setup } from '../scripts/setup.js'
import { compileBenchmarks, must } from './build.js'

main(async () => {
  const { rustc } = await setup(['packages', 'native', 'dist'])
  await compileBenchmarks()
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
  const { RINGS } = await import(join(root, 'build/bench/cases/index.js'))
  const file = join(root, 'bench/results/latest.json')
  return bench(RINGS, process.argv.slice(2), { root, rustc, file })
})
