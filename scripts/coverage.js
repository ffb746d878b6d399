/**
 * `npm run coverage [-- FILTER…]`: which lines of ts/scsi its tests reach, as a table. A filter is a part of a test file's path, and
 * without one it is `test/scsi/`: a parser that only a disk's tests ever meet is not covered.
 *
 * Node measures (NODE_V8_COVERAGE), c8 draws. What is measured is a compilation of its own with source maps, in build/coverage: the
 * tests import `#dist/…`, and the package.json beside them says where that is.
 */

import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './lib/child.js'
import { runFile, testFiles } from './lib/files.js'
import { main, Stop } from './lib/stop.js'
import { exitCode, line, summary } from './lib/tally.js'
import { root, setup } from './setup.js'

const folder = join(root, 'build', 'coverage')
const measured = join(folder, 'v8')
const modules = join(root, 'node_modules')

main(async () => {
  const args = process.argv.slice(2)
  const filters = args.length === 0 ? ['test/scsi/'] : args
  await setup(['packages', 'native', 'dist'])
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(root, 'native'), join(folder, 'native'))
  await compile('tsconfig.json', 'dist', '--sourceMap')
  await compile('test/tsconfig.json', 'test')

  process.env.NODE_V8_COVERAGE = measured
  const outcomes = []
  for (const file of testFiles(root).filter((path) =>
    filters.some((part) => path.includes(part)),
  )) {
    const built = join(folder, file.replace(/\.ts$/, '.js'))
    const outcome = await runFile(root, file, built)
    outcomes.push(outcome)
    process.stderr.write(line(outcome))
  }
  delete process.env.NODE_V8_COVERAGE

  const report = [
    'report',
    '--temp-directory',
    measured,
    '--reporter',
    'text',
    '--all',
    '--exclude-after-remap',
  ]
  // What only exports has nothing to reach.
  const which = ['--src', 'ts/scsi', '--include', 'ts/scsi/**', '--exclude', 'ts/scsi/index.ts']
  process.stdout.write(await must([join(modules, 'c8/bin/c8.js'), ...report, ...which]))
  process.stdout.write(`\n${summary(outcomes)}`)
  return exitCode(outcomes)
})

/**
 * @param {string} project
 * @param {string} out
 * @param {readonly string[]} more
 */
function compile(project, out, ...more) {
  const tsc = join(modules, '@typescript/native/bin/tsc')
  return must([tsc, '-p', project, '--outDir', join(folder, out), ...more])
}

/**
 * @param {readonly string[]} args a program for Node, and its arguments
 * @returns {Promise<string>} what it wrote to stdout
 */
async function must(args) {
  const { code, stdout, output } = await run(process.execPath, args, { cwd: root })
  if (code !== 0) throw new Stop(output)
  return stdout
}
