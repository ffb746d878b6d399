/**
 * `npm run pack:local -- FOLDER [--all]`: the packages as tarballs, as they are published: the platform's, then the root's.
 *
 * The root names its platform packages as optional dependencies of exactly its version; npm installs the one that fits. Without
 * `--all`, only this machine's is packed, of what `native/` holds. With `--all`, every target of package.json must have its library
 * in `npm/`, where `napi artifacts` puts it, or nothing is packed: a root whose platform is missing could not be taken back.
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { run } from './lib/child.js'
import { main, Stop } from './lib/stop.js'
import { root, setup } from './setup.js'

const npm = join(root, 'npm')

main(async () => {
  const { values, positionals } = parseArgs({
    options: { all: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [folder] = positionals
  if (folder === undefined) throw new Stop('usage: npm run pack:local -- FOLDER [--all]', 2)
  await setup(values.all ? ['packages', 'dist'] : ['packages', 'native', 'dist'])
  for (const tarball of await pack(folder, values.all)) process.stdout.write(`${tarball}\n`)
  return 0
})

/**
 * @param {string} folder where the tarballs go
 * @param {boolean} all every platform's, or this machine's
 * @returns {Promise<string[]>} their paths, the root's last
 */
async function pack(folder, all) {
  const destination = resolve(folder)
  mkdirSync(destination, { recursive: true })
  const { scripts, devDependencies, ...manifest } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  /** @type {string[]} */
  const platforms = manifest.napi.targets.map(platformName)
  const staging = mkdtempSync(join(tmpdir(), 'sgring-pack-'))
  try {
    const folders = [
      ...(await platformFolders(platforms, all)),
      stageRoot(staging, manifest, platforms),
    ]
    const tarballs = []
    for (const name of folders) {
      const packed = await command(
        'npm',
        ['pack', '--silent', '--pack-destination', destination],
        name,
      )
      tarballs.push(join(destination, packed.trim()))
    }
    return tarballs
  } finally {
    rmSync(staging, { recursive: true })
  }
}

/**
 * @param {readonly string[]} platforms
 * @param {boolean} all
 * @returns {Promise<string[]>} the folders of the platform packages, each with its library and licence
 */
async function platformFolders(platforms, all) {
  const cli = join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
  // What stands there already, a library perhaps, stays.
  await command(process.execPath, [cli, 'create-npm-dirs', '--npm-dir', npm], root)
  const { nativePlatform } = await import(join(root, 'dist/platform.js'))
  const own = nativePlatform()
  if (!all) cpSync(join(root, 'native', library(own)), join(npm, own, library(own)))

  const wanted = all ? platforms : [own]
  const missing = wanted.filter((name) => !existsSync(join(npm, name, library(name))))
  if (missing.length > 0) throw new Stop(`npm/ has no library for ${missing.join(', ')}`)
  return wanted.map((name) => {
    cpSync(join(root, 'LICENSE'), join(npm, name, 'LICENSE'))
    return join(npm, name)
  })
}

/**
 * @param {string} staging
 * @param {Record<string, any>} manifest
 * @param {readonly string[]} platforms
 * @returns {string} the folder of the root package
 */
function stageRoot(staging, manifest, platforms) {
  const folder = join(staging, 'root')
  mkdirSync(folder)
  for (const path of [...manifest.files, 'README.md', 'LICENSE']) {
    cpSync(join(root, path), join(folder, path), { recursive: true })
  }
  const optionalDependencies = Object.fromEntries(
    platforms.map((name) => [`${manifest.name}-${name}`, manifest.version]),
  )
  const published = { ...manifest, optionalDependencies }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  return folder
}

/**
 * What `nativePlatform()` of `ts/platform.ts` calls a target.
 *
 * @param {string} target a Rust target triple such as x86_64-unknown-linux-gnu
 */
function platformName(target) {
  const [arch = '', , , libc = ''] = target.split('-')
  return `linux-${{ x86_64: 'x64', aarch64: 'arm64' }[arch]}-${libc}`
}

/** @param {string} platform */
function library(platform) {
  return `sgring.${platform}.node`
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
