/**
 * The loom models of crates/ring and of crates/task, and whether they can fail: every `weaken` of the ring's `src/order.rs` loosens one
 * ordering, and the models whose names begin with it must then fail; those of the tasks have wrong ones beside them. `node scripts/loom.js`,
 * and a part of `npm test`.
 */

import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cargoTest, laneEnvironment } from './lib/cargo.js'
import { main } from './lib/stop.js'
import { exitCode, line, single, summary } from './lib/tally.js'
import { toolchain } from './lib/toolchain.js'
import { root } from './setup.js'

/** @typedef {import('./lib/tally.js').Outcome} Outcome */

const ring = 'crates/ring/tests/loom.rs'
/** Where they stand. */
export const models = [ring, 'crates/task/tests/loom.rs']

/**
 * Runs the models, then each weakening.
 *
 * @param {(outcome: Outcome) => void} tell
 */
export async function loom(tell) {
  if (!existsSync(join(root, ring))) return
  for (const name of ['ring', 'task']) {
    for (const outcome of await build(`loom ${name}`, name, [], '')) tell(outcome)
  }

  const order = readFileSync(join(root, 'crates/ring/src/order.rs'), 'utf8')
  const weakenings = new Set(
    Array.from(order.matchAll(/weakened!\("(\w+)"\)/g), ([, name = '']) => name),
  )
  for (const name of weakenings) {
    const outcomes = await build(`weakened ${name}`, 'ring', [`${name}_`], name)
    tell(mustHaveFailed(name, outcomes))
  }
}

/**
 * @param {string} title
 * @param {string} name the crate's
 * @param {readonly string[]} filter
 * @param {string} weakened the ordering to loosen, if any
 */
function build(title, name, filter, weakened) {
  // Link-time optimisation would only be more waiting here. Bounds of loom's that were set for something else must not count.
  const env = laneEnvironment(root, 'loom', '--cfg loom', {
    CARGO_PROFILE_RELEASE_LTO: 'off',
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
    SGRING_WEAKEN: weakened,
  })
  for (const key of Object.keys(env)) if (key.startsWith('LOOM_')) delete env[key]
  const args = ['-p', `sgring-${name}`, '--release', '--test', 'loom', '--', ...filter]
  return cargoTest(root, title, args, env)
}

/** What a model says that found its ordering missing; anything else is a failure of another kind. */
const FOUND = /Causality violation|deadlock;|sleeps for ever/

/**
 * @param {string} name
 * @param {readonly Outcome[]} outcomes
 */
function mustHaveFailed(name, outcomes) {
  const ran = outcomes.filter(({ name }) => name.includes('tests/loom.rs'))
  const failed = ran.some(({ failed, trouble }) => failed > 0 && FOUND.test(trouble ?? ''))
  const seconds = outcomes.reduce((all, outcome) => all + outcome.seconds, 0)
  const trouble = [
    `no model ${name}_… of ${ring} fails when ${name} is weakened`,
    ...outcomes.map(({ trouble }) => trouble ?? ''),
  ]
  return single(`loom: weakening ${name} is found`, failed, seconds, trouble.join('\n'))
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  main(async () => {
    await toolchain(root)
    /** @type {Outcome[]} */
    const outcomes = []
    await loom((outcome) => {
      outcomes.push(outcome)
      process.stdout.write(line(outcome))
    })
    process.stdout.write(`\n${summary(outcomes)}`)
    return exitCode(outcomes)
  })
}
