/**
 * The package as it dies at chosen points, in build/kill-points: native code with the feature `kill-points`, `dist` with a kill point behind
 * each store of its own that outlives it, and the tests beside them, which find both by `#dist/…`. Nothing of it is ever in `native` or in `dist`.
 */

import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../setup.js'
import { run } from './child.js'
import { lock } from './lock.js'
import { bring } from './step.js'
import { Stop } from './stop.js'

const folder = join(root, 'build/kill-points')
const IMPORT = "import { killPoint } from '#dist/kill-point.js';\n"
const DOOR = `import { native } from '#dist/native.js';
export const killPoint = (place) => native().killPoint(place);
`

/** A call that changes a folder, as a statement. */
const CALL =
  /^ *(systemCall\(\(\) => )?(rmSync|renameSync|mkdirSync|writeFileSync|unlinkSync)\(.*\);$/gm

/**
 * Statements of compiled TypeScript that others can see the effect of, and how many of them there are at least: a change that moves them away is
 * told.
 *
 * @type {readonly { file: string, statement: RegExp, least: number }[]}
 */
const seen = [
  { file: 'ring/port-task.js', statement: /^ *ledger\.(sequences|marks)\[.*\] = .*;$/gm, least: 2 },
  { file: 'ring/pair-ledger.js', statement: /^ *this\.marks\[.*\] = .*;$/gm, least: 2 },
  { file: 'target/write-order.js', statement: /^ *words\[.*\] = sequence;$/gm, least: 4 },
  { file: 'target/backing.js', statement: CALL, least: 2 },
  { file: 'durable-file.js', statement: CALL, least: 3 },
  { file: 'ring/ledgers.js', statement: CALL, least: 1 },
  { file: 'state.js', statement: CALL, least: 2 },
]

/**
 * Builds it, unless nothing has changed. The set-up has been done.
 *
 * @param {string} rustc
 */
export async function buildKillPoints(rustc) {
  // The set-up's: both build into one target folder.
  const release = await lock(join(root, '.setup', 'lock'), () => {})
  try {
    await bring(root, {
      name: 'kill-points',
      doing: 'building with kill points',
      inputs: ['Cargo.toml', 'Cargo.lock', '.cargo', 'crates', 'package.json'],
      uses: (path) => !/^crates\/((bench|fuzz)\/|[^/]+\/(tests|benches|examples)\/)/.test(path),
      versions: [rustc, process.env.RUSTFLAGS ?? ''],
      outputs: ['build/kill-points/native'],
      make: buildNative,
    })
    await bring(root, {
      name: 'kill-points-dist',
      doing: 'placing kill points',
      inputs: ['package.json', 'dist', 'build/test', 'scripts/lib/kill-points.js'],
      outputs: [
        'build/kill-points/dist',
        'build/kill-points/test',
        'build/kill-points/package.json',
      ],
      make: placeAll,
    })
  } finally {
    release()
  }
}

/** In the set-up's target folder: the crates of others are built there already. */
async function buildNative() {
  const args = ['build', '--offline', '--release', '-p', 'sgring-node', '--features', 'kill-points']
  const { code, output } = await run('cargo', args, { cwd: root, env: process.env })
  if (code !== 0) throw new Stop(`${output}\ncargo ${args.join(' ')} failed`)
  const built = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'release')
  const native = join(folder, 'native')
  rmSync(native, { recursive: true, force: true })
  mkdirSync(native, { recursive: true })
  const { nativePlatform } = await import(join(root, 'dist/platform.js'))
  copyFileSync(join(built, 'libsgring_node.so'), join(native, `sgring.${nativePlatform()}.node`))
}

async function placeAll() {
  for (const [from, to] of [
    ['dist', 'dist'],
    ['build/test', 'test'],
  ]) {
    const copy = join(folder, to ?? '')
    rmSync(copy, { recursive: true, force: true })
    cpSync(join(root, from ?? ''), copy, { recursive: true })
  }
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  writeFileSync(join(folder, 'dist/kill-point.js'), DOOR)
  for (const place of seen) placeIn(place)
}

/** @param {(typeof seen)[number]} place */
function placeIn({ file, statement, least }) {
  const path = join(folder, 'dist', file)
  const text = readFileSync(path, 'utf8')
  const found = [...text.matchAll(statement)]
  if (found.length < least) {
    throw new Stop(`${file} has ${found.length} of ${least} statements ${statement}`)
  }
  const placed = text.replace(statement, (whole) => {
    const line = text.slice(0, text.indexOf(whole)).split('\n').length
    // In braces: it may be all that belongs to an if.
    return `{ ${whole.trim()} killPoint('${file}:${line}') }`
  })
  writeFileSync(path, IMPORT + placed)
}
