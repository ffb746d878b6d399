import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { capabilityNames } from '#dist/cli/confine/confinement.js'
import { connect } from '#dist/index.js'
import { native } from '#dist/native.js'
import { suite } from '../harness/index.ts'
import { MAIN, Place, type Serving } from './program.ts'

const test = suite('a server that sgring serve confines')
/** Many processes, one after the other. */
const SLOW = { deadlineMs: 120_000 }
const abi = native().landlockAbi()
const FENCE = { ...SLOW, skip: abi > 0 ? undefined : 'needs a kernel with Landlock' }
const root = process.geteuid?.() === 0
const ROOT = { ...SLOW, skip: root ? undefined : 'needs root, who has capabilities' }
const INTRUDER = fileURLToPath(new URL('./intruder.js', import.meta.url))
/** A user that this machine need not have. */
const USER = 65_500

let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

/** What the kernel says of every thread of a server. */
function threads({ child: { pid } }: Serving): { capabilities: string[]; privileges: string }[] {
  return readdirSync(`/proc/${pid}/task`).map((tid) => {
    const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8')
    const field = (name: string) => new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(status)?.[1] ?? ''
    const sets = ['CapPrm', 'CapEff', 'CapInh', 'CapAmb'].flatMap((set) =>
      capabilityNames(field(set)),
    )
    return { capabilities: [...new Set(sets)], privileges: field('NoNewPrivs') }
  })
}

function assertThreads(server: Serving, capabilities: readonly string[]): void {
  const all = threads(server)
  assert.ok(all.length > 4, 'V8 and libuv have threads')
  for (const thread of all) assert.deepEqual(thread, { capabilities, privileges: '1' })
}

async function shown(): Promise<string> {
  const { stdout } = await place.sgring(['admin', 'ring:disk', 'show'])
  return stdout.toString().trimEnd().split('\n').at(-1) ?? ''
}

const disk = ['--listen', 'disk', '--memory', '1M'] as const

test(
  'has no capability and can gain no privilege, on any thread, and says so',
  async () => {
    const server = await place.serve(disk)
    assertThreads(server, [])
    assert.equal(
      await shown(),
      `files: its own, by Landlock ABI ${abi}; new privileges: none; capabilities: none`,
    )
    server.child.kill('SIGTERM')
    const { code, stderr } = await server.ended()
    assert.deepEqual([code, stderr], [0, ''])
  },
  FENCE,
)

test(
  'is the process that was started, with its arguments and its streams',
  async () => {
    const server = await place.serve([...disk, '--json'])
    const { pid, socket } = JSON.parse(server.line)
    assert.equal(pid, server.child.pid)
    const nexus = await connect(socket)
    await nexus.unit(0).testUnitReady()
    await nexus.close()
  },
  SLOW,
)

test(
  'opens no other file: sgring admin add is refused, but for what --allow-path names',
  async () => {
    place.file('served.img', new Uint8Array(4096))
    place.file('other.img', new Uint8Array(4096))
    mkdirSync(place.path('more'))
    await place.serve(['--listen', 'disk', '--file', 'served.img', '--allow-path', 'more'])
    const add = (...args: string[]) => place.sgring(['admin', 'ring:disk', 'add', ...args])
    for (const args of [
      ['--file', 'other.img'],
      ['--file', 'other.img', '--read-only'],
      ['--file', 'new.img', '--create', '1M'],
      ['--file', '/etc/passwd', '--read-only'],
    ]) {
      const { code, stderr } = await add(...args)
      assert.equal(code, 15, stderr)
      assert.match(stderr, /opens no other files than those of its start and of --allow-path/)
    }
    assert.equal(existsSync(place.path('new.img')), false)
    assert.equal((await add('--file', 'more/new.img', '--create', '1M')).code, 0)
    assert.equal(statSync(place.path('more/new.img')).size, 1 << 20)
    // What it was started with can go and come back.
    assert.equal((await place.sgring(['admin', 'ring:disk', 'remove', '0'])).code, 0)
    assert.equal((await add('--file', 'served.img')).code, 0)
  },
  FENCE,
)

test(
  'leaves whoever takes it over no file, program, signal or TCP connection, on whichever thread',
  async () => {
    const secret = place.file('secret', 'secret')
    mkdirSync(place.path('folder'))
    process.env.INTRUDER_SECRET = secret
    process.env.INTRUDER_FOLDER = place.path('folder')
    const running = place.start(process.execPath, ['--import', INTRUDER, MAIN, 'serve', ...disk])
    await running.line()
    running.child.kill('SIGTERM')
    const { stderr } = await running.ended()
    assert.deepEqual(JSON.parse(stderr), {
      reads: 'EACCES',
      readsInPool: 'EACCES',
      readsInWorker: 'EACCES',
      lists: 'EACCES',
      makes: 'EACCES',
      appends: 'EACCES',
      ofTarget: 'EACCES',
      runs: 'EACCES',
      signals: abi >= 6 ? 'EPERM' : 'done',
      tcp: abi >= 4 ? 'EACCES' : 'ECONNREFUSED',
      removes: 'EACCES',
    })
    assert.equal(readFileSync(secret, 'utf8'), 'secret')
  },
  FENCE,
)

test(
  'writes no file that it serves for reading',
  async () => {
    const file = place.file('read.img', new Uint8Array(4096))
    await place.serve(['--listen', 'disk', '--file', 'read.img', '--read-only'])
    assert.equal((await place.sgring(['admin', 'ring:disk', 'remove', '0'])).code, 0)
    const { code } = await place.sgring(['admin', 'ring:disk', 'add', '--file', file])
    assert.equal(code, 15)
  },
  FENCE,
)

test(
  'keeps CAP_DAC_OVERRIDE only for what its user may not write, and says that',
  async () => {
    const file = place.file('theirs.img', new Uint8Array(4096))
    chownSync(file, USER, USER)
    chmodSync(file, 0o600)
    const server = await place.serve(['--listen', 'disk', '--file', file])
    assertThreads(server, ['CAP_DAC_OVERRIDE'])
    assert.match(await shown(), /capabilities: CAP_DAC_OVERRIDE for a file, or .* may not write$/)
  },
  ROOT,
)

test(
  'gives its socket to an owner and a group, and keeps CAP_CHOWN for it',
  async () => {
    const args = ['--owner', String(USER), '--group', 'root', '--mode', '660']
    const server = await place.serve([...disk, ...args])
    const { uid, gid, mode } = statSync(place.path('sgring/disk.sock'))
    assert.deepEqual([uid, gid, mode & 0o777], [USER, 0, 0o660])
    assertThreads(server, ['CAP_CHOWN'])
  },
  ROOT,
)

test(
  'is not confined with --unconfined, and says so',
  async () => {
    const server = await place.serve([...disk, '--unconfined'])
    assert.equal(threads(server)[0]?.privileges, '0')
    assert.match(await shown(), /^files: all that its user may open; new privileges: by execve/)
  },
  SLOW,
)

test(
  'is confined where its environment says that it is already',
  async () => {
    // The shell's process becomes the server: it knows its number before.
    const line = `SGRING_CONFINED='{"pid":'$$',"names":{},"locks":[]}' exec '${process.execPath}' '${MAIN}' serve ${disk.join(' ')}`
    const running = place.start('/bin/sh', ['-c', line])
    await running.line()
    const { pid } = running.child
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^NoNewPrivs:\s*1$/m)
  },
  SLOW,
)

test(
  'leaves nothing behind where it did not come about',
  async () => {
    const { code } = await place.sgring(['serve', '--listen', './disk.sock', '--file', 'none.img'])
    assert.equal(code, 15)
    assert.deepEqual(
      readdirSync(place.folder).filter((name) => name.startsWith('disk.sock')),
      [],
    )
  },
  SLOW,
)

test(
  'knows users and groups by their names, in flags and in a file',
  async () => {
    const server = await place.serve([...disk, '--allow-group', 'root', '--read-only-user', 'root'])
    const { stdout } = await place.sgring(['admin', 'ring:disk', 'show', '--json'])
    const { allowed_gids, read_only_uids } = JSON.parse(stdout.toString())
    assert.deepEqual([allowed_gids, read_only_uids], [[0], [0]])
    server.child.kill('SIGTERM')
    await server.ended()
    place.file(
      'served.json',
      JSON.stringify({ listen: 'disk', allowed_uids: ['root'], group: 'nobody-has-it', units: [] }),
    )
    const { code, stderr } = await place.sgring(['serve', '--config', 'served.json'])
    assert.equal(code, 1)
    assert.match(stderr, /group: there is no group "nobody-has-it"/)
    const flag = await place.sgring(['serve', ...disk, '--allow-user', 'nobody-has-it'])
    assert.match(flag.stderr, /--allow-user: there is no user 'nobody-has-it'/)
  },
  SLOW,
)

test.run()
