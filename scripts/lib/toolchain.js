/** What the machine must have: Node and, to build native code, Rust and a C linker. */

import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './child.js'
import { Stop } from './stop.js'

/**
 * @typedef {object} Toolchain
 * @property {string} rustc what `rustc -vV` prints: a part of every hash over native code; empty where Rust was not asked for
 * @property {string} host Rust's name of this machine, such as `x86_64-unknown-linux-gnu`; empty likewise
 */

/**
 * Looks at the tools, and says in one line what is missing and how to get it.
 *
 * @param {string} root the package's folder
 * @param {boolean} [rust] whether Rust and a linker are needed; default: yes
 * @returns {Promise<Toolchain>}
 * @throws {Stop} with exit code 2
 */
export async function toolchain(root, rust = true) {
  const missing = []
  const engines = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node
  if (!satisfies(process.versions.node, engines)) {
    missing.push(`Node ${engines} (this is ${process.versions.node}; https://nodejs.org)`)
  }
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    missing.push(`Linux on x64 or arm64 (this is ${process.platform} on ${process.arch})`)
  }
  const { missing: rustMissing, ...tools } = rust
    ? await rustTools(root)
    : { missing: [], rustc: '', host: '' }
  missing.push(...rustMissing)
  if (missing.length > 0) throw new Stop(`set-up: missing: ${missing.join('; ')}`, 2)
  return tools
}

/** @param {string} root */
async function rustTools(root) {
  const missing = []
  const wanted = /^rust-version = "(.*)"$/m.exec(
    readFileSync(join(root, 'Cargo.toml'), 'utf8'),
  )?.[1]
  const [rustc, cargo] = await Promise.all([run('rustc', ['-vV']), run('cargo', ['--version'])])
  const release = /^release: (\S+)$/m.exec(rustc.stdout)?.[1]
  if (release === undefined || cargo.code !== 0) {
    missing.push(`Rust ${wanted} or later with cargo (https://rustup.rs)`)
  } else if (!satisfies(release, `>=${wanted}`)) {
    missing.push(`Rust ${wanted} or later (this is ${release}; rustup update stable)`)
  }
  if (find('cc') === undefined && !linkerIsNamed()) {
    missing.push('a C linker, cc (apt-get install gcc libc6-dev, or what your system calls it)')
  }
  return { missing, rustc: rustc.stdout, host: /^host: (\S+)$/m.exec(rustc.stdout)?.[1] ?? '' }
}

/**
 * Whether a version is in a range of the two forms that package.json uses: `^a.b` and `>=a.b`, joined by `||`.
 *
 * @param {string} version
 * @param {string} range
 */
export function satisfies(version, range) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return range.split('||').some((part) => {
    const match = /^\s*(\^|>=)(\d+)(?:\.(\d+))?/.exec(part)
    if (match === null) throw new Error(`not a range that this reads: ${part}`)
    const [, kind, wantedMajor, wantedMinor = '0'] = match
    if (major === Number(wantedMajor)) return minor >= Number(wantedMinor)
    return kind === '>=' && major > Number(wantedMajor)
  })
}

/**
 * Where a program is: on the path, or among the system's own, which an ordinary user's path leaves out.
 *
 * @param {string} program
 */
export function find(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Cargo can be told of another linker; then `cc` is not needed. */
function linkerIsNamed() {
  return Object.keys(process.env).some((name) => /^CARGO_TARGET_.*_LINKER$/.test(name))
}
