/**
 * `npm run test:nodes [-- MAJOR…]`: the tests of ends of life and of `require()`, and the contract suites, on every supported Node major.
 * The Nodes come from npm and are kept outside of the tree.
 */

import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from './lib/child.js'
import { runFiles, testFiles } from './lib/files.js'
import { main } from './lib/stop.js'
import { exitCode, line, single, summary } from './lib/tally.js'
import { installEnvironment, root, setup } from './setup.js'

const majors = ['22', '24', '26']

/** What depends on the Node that runs it, as beginnings of paths. */
const dependent = ['test/process/', 'test/contract/', 'test/package/require']

main(async () => {
  const wanted = process.argv.slice(2)
  await setup()
  const files = testFiles(root).filter((path) => dependent.some((start) => path.startsWith(start)))

  /** @type {import('./lib/tally.js').Outcome[]} */
  const outcomes = []
  for (const major of majors.filter((major) => wanted.length === 0 || wanted.includes(major))) {
    /** @param {import('./lib/tally.js').Outcome} outcome */
    const tell = (outcome) => {
      const named = { ...outcome, name: `node ${major} ${outcome.name}` }
      outcomes.push(named)
      process.stdout.write(line(named))
    }
    const { node, trouble } = await fetchNode(major)
    if (trouble === undefined) await runFiles(root, files, tell, { node })
    else tell(single('is installed', false, 0, trouble))
  }
  process.stdout.write(`\n${summary(outcomes)}`)
  return exitCode(outcomes)
})

/**
 * The newest Node of a major that npm has, installed once.
 *
 * @param {string} major
 * @returns {Promise<{ node: string, trouble?: string }>}
 */
async function fetchNode(major) {
  const caches = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  const folder = join(caches, 'sgring', 'nodes', major)
  const node = join(folder, 'node_modules/node/bin/node')
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true })
    process.stderr.write(`installing Node ${major} in ${folder}\n`)
    const what = `node@npm:node-linux-${process.arch}@${major}`
    const args = [
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefix',
      folder,
      what,
    ]
    const env = installEnvironment(process.env)
    const { code, output } = await run('npm', args, { cwd: folder, env })
    if (code !== 0) return { node, trouble: output }
  }
  const { stdout, output } = await run(node, ['--version'])
  return stdout.startsWith(`v${major}.`) ? { node } : { node, trouble: `${node}: ${output}` }
}
