/** Steps that are skipped when nothing they depend on has changed. */

import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seconds } from './stop.js'

/**
 * @typedef {object} Step
 * @property {string} name the name of its stamp
 * @property {string} doing what it does, in words
 * @property {readonly string[]} inputs files and folders, relative to the root
 * @property {(path: string) => boolean} [uses] which files of the input folders count; default: all
 * @property {readonly string[]} [versions] what else it depends on, such as a compiler's version
 * @property {readonly string[]} outputs files and folders that it makes
 * @property {() => Promise<void>} make
 */

/**
 * Runs a step, unless its inputs and its outputs are what they were after its last run.
 *
 * @param {string} root
 * @param {Step} step
 * @returns {Promise<boolean>} whether it ran
 */
export async function bring(root, step) {
  const stamp = join(root, '.setup', step.name)
  const inputs = hash(root, step.inputs, step.uses, step.versions)
  if (read(stamp) === `${inputs} ${hash(root, step.outputs)}`) return false

  rmSync(stamp, { force: true })
  process.stderr.write(`set-up: ${step.doing}\n`)
  const started = performance.now()
  await step.make()
  mkdirSync(join(root, '.setup'), { recursive: true })
  // The inputs as they were before: what changed during the run is seen by the next one.
  writeFileSync(stamp, `${inputs} ${hash(root, step.outputs)}`)
  const took = (performance.now() - started) / 1000
  process.stderr.write(`set-up: ${step.doing}: done, ${seconds(took)}\n`)
  return true
}

/**
 * Every file below a folder, or the file itself; sorted, relative to the root.
 *
 * @param {string} root
 * @param {string} path relative to the root; nothing when it does not exist
 * @returns {string[]}
 */
export function filesBelow(root, path) {
  const found = statSync(join(root, path), { throwIfNoEntry: false })
  if (found === undefined) return []
  if (!found.isDirectory()) return [path]
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => filesBelow(root, join(path, name)))
}

/**
 * @param {string} root
 * @param {readonly string[]} paths
 * @param {(path: string) => boolean} [uses]
 * @param {readonly string[]} [versions]
 */
function hash(root, paths, uses = () => true, versions = []) {
  const sum = createHash('sha256')
  for (const version of versions) sum.update(`${version}\0`)
  for (const path of paths.flatMap((path) => filesBelow(root, path)).filter(uses)) {
    const bytes = readFileSync(join(root, path))
    sum.update(`${path}\0${bytes.length}\0`).update(bytes)
  }
  return sum.digest('hex')
}

/** @param {string} path */
function read(path) {
  return statSync(path, { throwIfNoEntry: false }) === undefined
    ? undefined
    : readFileSync(path, 'utf8')
}
