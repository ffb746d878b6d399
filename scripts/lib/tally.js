/** What test runs come to: outcomes, their sum, and how both are told. */

import { seconds } from './stop.js'

/**
 * @typedef {object} Outcome
 * @property {string} name a test file, a Rust test program, or a step of a check
 * @property {number} passed
 * @property {number} failed
 * @property {readonly { test: string, reason: string }[]} skipped
 * @property {number} seconds
 * @property {string} [trouble] what there is to read when something failed
 */

/**
 * An outcome of one thing that either passes or fails.
 *
 * @param {string} name
 * @param {boolean} passed
 * @param {number} seconds
 * @param {string} trouble
 * @returns {Outcome}
 */
export function single(name, passed, seconds, trouble) {
  const outcome = { name, passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: [], seconds }
  return passed ? outcome : { ...outcome, trouble }
}

/**
 * One line for an outcome, and what went wrong below it.
 *
 * @param {Outcome} outcome
 */
export function line({ name, passed, failed, skipped, seconds: took, trouble }) {
  const counts = [`${passed} passed`]
  if (failed > 0) counts.push(`${failed} failed`)
  if (skipped.length > 0) counts.push(`${skipped.length} skipped`)
  const head = `${failed > 0 ? 'FAIL' : 'ok  '}  ${name.padEnd(52)} ${counts.join(', ')}, ${seconds(took)}\n`
  return trouble === undefined ? head : `${head}\n${trouble.trimEnd()}\n\n`
}

/**
 * Every skip with its reason, every failure by name, and at the end the line that machines read.
 *
 * @param {readonly Outcome[]} outcomes
 */
export function summary(outcomes) {
  const skips = outcomes.flatMap(({ name, skipped }) =>
    skipped.map(({ test, reason }) => `skipped: ${name}: ${test}: ${reason}\n`),
  )
  const failures = outcomes
    .filter(({ failed }) => failed > 0)
    .map(({ name }) => `failed: ${name}\n`)
  const { passed, failed, skipped } = sum(outcomes)
  return [...skips, ...failures, `${passed} passed, ${failed} failed, ${skipped} skipped\n`].join(
    '',
  )
}

/** @param {readonly Outcome[]} outcomes */
export function sum(outcomes) {
  let [passed, failed, skipped] = [0, 0, 0]
  for (const outcome of outcomes) {
    passed += outcome.passed
    failed += outcome.failed
    skipped += outcome.skipped.length
  }
  return { passed, failed, skipped }
}

/**
 * 0 when something passed and nothing failed: a run without tests has shown nothing.
 *
 * @param {readonly Outcome[]} outcomes
 */
export function exitCode(outcomes) {
  const { passed, failed } = sum(outcomes)
  return passed > 0 && failed === 0 ? 0 : 1
}
