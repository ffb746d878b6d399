import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from './index.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const { byVersion } = await import(join(root, 'scripts/lib/kernels.js'))
const { declared } = await import(join(root, 'scripts/lib/machines.js'))
const { groups } = await import(join(root, 'scripts/lib/kernel-lane.js'))

const test = suite('kernels for guests')

let folder = ''
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'sgring-kernels-'))
})
test.after.each(() => rmSync(folder, { recursive: true }))

/** Runs a script's lines with a cache folder of its own, and without any source of packages. */
function offline(releases: readonly string[], ...args: string[]) {
  const cache = join(folder, 'cache')
  for (const release of releases) mkdirSync(join(cache, release), { recursive: true })
  const apt = join(folder, 'apt.conf')
  writeFileSync(apt, 'Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "/dev/null";\n')
  const env = { ...process.env, SGRING_KERNEL_CACHE: cache, APT_CONFIG: apt }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

const find = (name: string) => [
  '--input-type=module',
  '--eval',
  `import { kernel } from '${join(root, 'scripts/lib/kernels.js')}'
console.log((await kernel('${name}')).release)`,
]

test('are missed by a command, with exit code 3, where there are none', () => {
  const { status, stdout, stderr } = offline([], join(root, 'scripts/kernel.js'), '--', 'true')
  assert.deepEqual([status, stdout], [3, ''])
  assert.match(stderr, /^no kernel: /)
})

test('fail no test where there are none, and are missed in one line', async () => {
  const lane = `import { kernelLane } from '${join(root, 'scripts/lib/kernel-lane.js')}'
const tell = () => { throw new Error('a test was run') }
const note = (text) => console.log(text)
const chosen = (path) => path.startsWith('test/kernel/')
await kernelLane('${root}', { kernels: ['6.1', 'newest'], chosen, fetch: false, tell, note })`
  const { status, stdout } = offline([], '--input-type=module', '--eval', lane)
  assert.equal(status, 0)
  assert.match(stdout, /^no kernel: .*\n$/)
})

test('are the newest of the cache, by name, where there is no network', () => {
  const releases = ['7.1.9+deb14-amd64', '7.10.2+deb14-amd64', '6.12.9-amd64', '6.1.0-9-amd64']
  const newest = offline(releases, ...find('newest'))
  assert.deepEqual([newest.status, newest.stdout], [0, '7.10.2+deb14-amd64\n'])
  assert.match(newest.stderr, /kernel: taking the cached 7\.10\.2\+deb14-amd64/)
  assert.equal(offline([], ...find('6.1')).stdout, '6.1.0-9-amd64\n')
})

test('are never older than what their name promises', () => {
  const { status, stderr } = offline(['7.0.12+deb14-amd64', '6.12.9-amd64'], ...find('newest'))
  assert.notEqual(status, 0)
  assert.match(stderr, /no kernel: /)
})

test('are ordered by the numbers of their versions', () => {
  const ordered = ['6.1.0-9-amd64', '6.1.0-50-amd64', '6.12.9-amd64', '7.2.13+deb14-amd64']
  assert.deepEqual([...ordered].reverse().sort(byVersion), ordered)
})

test('are what a test file says it needs', () => {
  const source = `// guest: --kernel newest --scsi-debug 'ptype=1 max_luns=1'
// guest: --modules 'st; ahci' --qemu '-device ahci,id=sata'
import assert from 'node:assert/strict'
`
  assert.deepEqual(declared('a.test.ts', source), {
    kernels: ['newest'],
    machine: {
      modules: ['sd_mod', 'sg', 'st', 'ahci', 'scsi_debug ptype=1 max_luns=1'],
      qemu: ['-device', 'ahci,id=sata'],
    },
  })
  assert.throws(() => declared('a.test.ts', '// guest: --kernel 5.10\n'), {
    message: 'a.test.ts: there is no kernel 5.10',
  })
  assert.throws(() => declared('a.test.ts', '// guest: --module st\n'), /^Stop: a\.test\.ts: /)
})

test('are booted once for files that need the same guest', () => {
  const files = {
    'a.test.ts': '',
    'b.test.ts': '',
    'c.alone.test.ts': '',
    'd.test.ts': "// guest: --kernel 6.1 --modules 'st'\n",
  }
  const ready = Object.entries(files).map(([file, text]) => ({ file, ...declared(file, text) }))
  const seen = groups(ready).map(({ kernel, files }: { kernel: string; files: string[] }) => [
    kernel,
    ...files,
  ])
  assert.deepEqual(seen, [
    ['6.1', 'a.test.ts', 'b.test.ts'],
    ['newest', 'a.test.ts', 'b.test.ts'],
    ['6.1', 'c.alone.test.ts'],
    ['newest', 'c.alone.test.ts'],
    ['6.1', 'd.test.ts'],
  ])
})

test.run()
