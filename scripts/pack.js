/**
 * `npm run pack:local -- FOLDER`: the root package and this machine's platform package as tarballs, as they would be published.
 * The root names its platform packages as optional dependencies of exactly its version; npm installs the one that fits.
 */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { run } from './lib/child.js'
import { main, Stop } from './lib/stop.js'
import { root, setup } from './setup.js'

main(async () => {
  const folder = process.argv[2]
  if (folder === undefined) throw new Stop('usage: npm run pack:local -- FOLDER', 2)
  await setup(['packages', 'native', 'dist'])
  mkdirSync(folder, { recursive: true })
  const staging = mkdtempSync(join(tmpdir(), 'sgring-pack-'))
  try {
    for (const name of [await stagePlatform(), stageRoot(staging)]) {
      const tarball = await command(
        'npm',
        ['pack', '--silent', '--pack-destination', resolve(folder)],
        name,
      )
      process.stdout.write(`${join(resolve(folder), tarball.trim())}\n`)
    }
  } finally {
    rmSync(staging, { recursive: true })
  }
  return 0
})

/** @returns {Promise<string>} the folder of this machine's platform package: napi-rs wants it inside the checkout */
async function stagePlatform() {
  const cli = join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
  const npm = join(root, 'npm')
  await command(process.execPath, [cli, 'create-npm-dirs', '--npm-dir', npm], root)
  const triple = `linux-${process.arch}-gnu`
  const folder = join(npm, triple)
  const library = `sgring.${triple}.node`
  cpSync(join(root, 'native', library), join(folder, library))
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  return folder
}

/**
 * @param {string} staging
 * @returns {string} the folder of the root package
 */
function stageRoot(staging) {
  const { scripts, devDependencies, ...manifest } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  const folder = join(staging, 'root')
  mkdirSync(folder)
  for (const path of [...manifest.files, 'README.md', 'LICENSE']) {
    cpSync(join(root, path), join(folder, path), { recursive: true })
  }
  const platforms = manifest.napi.targets.map(platformPackage)
  const optionalDependencies = Object.fromEntries(
    platforms.map((/** @type {string} */ name) => [name, manifest.version]),
  )
  const published = { ...manifest, optionalDependencies }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  return folder
}

/** @param {string} target a Rust target triple such as x86_64-unknown-linux-gnu */
function platformPackage(target) {
  const [arch = '', , , libc = ''] = target.split('-')
  return `sgring-linux-${{ x86_64: 'x64', aarch64: 'arm64' }[arch]}-${libc}`
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<string>} what it wrote to stdout
 */
async function command(program, args, cwd) {
  const { code, stdout, output } = await run(program, args, { cwd })
  if (code !== 0) throw new Stop(`${program} ${args.join(' ')} failed:\n${output}`)
  return stdout
}
