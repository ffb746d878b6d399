/** Compiles the benchmarks, and builds their native side and their rivals. */

import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../scripts/lib/child.js'
import { lock } from '../scripts/lib/lock.js'
import { bring } from '../scripts/lib/step.js'
import { Stop } from '../scripts/lib/stop.js'
import { root } from '../scripts/setup.js'

/**
 * All of it.
 *
 * @param {string} rustc
 */
export async function buildBenchmarks(rustc) {
  await compileBenchmarks()
  await buildNativeBenchmarks(rustc)
  await buildAddons(rustc)
  await buildRivals(rustc)
}

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
 * The native side: targets, limits, and the package's own ring without JavaScript.
 *
 * @param {string} rustc
 */
export async function buildNativeBenchmarks(rustc) {
  await bring(root, {
    name: 'bench-native',
    doing: 'building the native benchmarks',
    inputs: [
      'Cargo.toml',
      'Cargo.lock',
      'crates/bench',
      'crates/profile',
      'crates/ring',
      'crates/shm',
      'crates/task',
    ],
    versions: versions(rustc),
    // What `cargo clean` takes has to come again; a folder of the caller's own is cargo's business.
    outputs: process.env.CARGO_TARGET_DIR === undefined ? ['target/release/sgring-bench'] : [],
    make: () => must('cargo', ['build', '--offline', '--profile', 'bench', '-p', 'sgring-bench']),
  })
}

/**
 * The rivals that are addons. Their crates are their own, and are fetched here for the first time.
 *
 * @param {string} rustc
 */
export async function buildAddons(rustc) {
  const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'rivals-napi')
  await bring(root, {
    name: 'bench-rivals-napi',
    doing: "building the benchmarks' rival addon",
    inputs: ['bench/rivals/napi', 'crates/ring', 'crates/shm', 'crates/task', 'Cargo.toml'],
    versions: versions(rustc),
    outputs: ['build/rivals/napi.node'],
    make: async () => {
      const manifest = join(root, 'bench/rivals/napi/Cargo.toml')
      const where = ['--manifest-path', manifest, '--target-dir', folder]
      await must('cargo', ['build', '--locked', '--release', ...where])
      mkdirSync(join(root, 'build/rivals'), { recursive: true })
      const built = join(folder, 'release/libsgring_rivals_napi.so')
      copyFileSync(built, join(root, 'build/rivals/napi.node'))
    },
  })
}

/**
 * The rivals that are native programs. Their crates are their own, too.
 *
 * @param {string} rustc
 */
export async function buildRivals(rustc) {
  const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'rivals-native')
  await bring(root, {
    name: 'bench-rivals-native',
    doing: "building the benchmarks' native rivals",
    inputs: [
      'bench/rivals/native',
      'crates/profile',
      'crates/ring',
      'crates/shm',
      'crates/task',
      'Cargo.toml',
    ],
    versions: versions(rustc),
    outputs: ['build/rivals/sgring-rivals'],
    make: async () => {
      const manifest = join(root, 'bench/rivals/native/Cargo.toml')
      const where = ['--manifest-path', manifest, '--target-dir', folder]
      await must('cargo', ['build', '--locked', '--release', ...where])
      mkdirSync(join(root, 'build/rivals'), { recursive: true })
      const built = join(folder, 'release/sgring-rivals')
      // A program that runs is replaced, and not written to.
      rmSync(join(root, 'build/rivals/sgring-rivals'), { force: true })
      copyFileSync(built, join(root, 'build/rivals/sgring-rivals'))
    },
  })
}

/** @param {string} rustc */
function versions(rustc) {
  return [rustc, process.env.RUSTFLAGS ?? '', process.env.CARGO_TARGET_DIR ?? '']
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
export async function must(program, args) {
  const { code, output } = await run(program, args, { cwd: root, env: process.env })
  if (code !== 0) throw new Stop(`${output.trimEnd()}\nbench: ${program} failed`)
}
