import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type ServeOptions, type Server, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { Program } from '../support/program.ts'

const test = suite('users and groups of clients')

/** A user and groups that this machine need not have. */
const USER = 65_500
const GROUP = 65_501
const FURTHER = 65_502

const PEER = fileURLToPath(new URL('../support/peer-main.js', import.meta.url))

interface Who {
  readonly gid?: number
  readonly groups?: readonly number[]
}

/** What makes a program another user's. */
function as({ gid = GROUP, groups = [] }: Who): string[] {
  const further = groups.length > 0 ? `--groups=${groups}` : '--clear-groups'
  return ['setpriv', `--reuid=${USER}`, `--regid=${gid}`, further]
}

/** What is missing here, if nobody can be another user. */
function missing(): string | undefined {
  if (process.geteuid?.() !== 0) return 'needs root, to run a client as another user'
  const [setpriv = '', ...args] = as({})
  const { error, status } = spawnSync(setpriv, [...args, process.execPath, '--check', PEER])
  if (error !== undefined) return 'needs setpriv (Debian: util-linux)'
  return status === 0 ? undefined : 'needs a checkout that other users can read'
}

const skip = missing()
const folder = temporaryFolder()
chmodSync(folder, 0o755)
let last = 0
let server: Server | undefined
test.after.each(async () => {
  await server?.close()
  server = undefined
})

async function serving(options: Partial<ServeOptions>): Promise<string> {
  const listen = join(folder, `${++last}.sock`)
  server = await serve({ listen, units: [{ memory: 1 << 20 }], ioThreads: 1, ...options })
  return listen
}

/** What a client of another user may do. */
async function client(listen: string, who: Who): Promise<unknown> {
  const program = new Program(pathToFileURL(PEER), [listen], [], as(who))
  const { stdout, stderr } = await program.ended
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

const EVERYTHING = { read: 512, protected: false, written: 'GOOD', reset: 3 }
/** DATA PROTECT, WRITE PROTECTED; FUNCTION REJECTED. */
const READS = { read: 512, protected: true, written: '7/39', reset: 5 }
const REFUSED = { code: 'ERR_SGRING_PEER_NOT_ALLOWED' }

for (const [what, options, who, may] of [
  ['nobody else by default', {}, {}, REFUSED],
  ['nobody else, whatever the mode lets through', { mode: 0o666 }, {}, REFUSED],
  ['a user by its number', { allowedUids: [0, USER] }, {}, EVERYTHING],
  ['a member of a group', { allowedGids: [GROUP] }, {}, EVERYTHING],
  [
    'a member of a group that is not its first',
    { allowedGids: [FURTHER] },
    { groups: [FURTHER] },
    EVERYTHING,
  ],
  ['no member of another group', { allowedGids: [FURTHER] }, {}, REFUSED],
  ['a user who reads', { readOnlyUids: [USER] }, {}, READS],
  ['a member of a group that reads', { readOnlyGids: [FURTHER] }, { groups: [FURTHER] }, READS],
  [
    'a user, whose groups would only read, to do everything',
    { allowedUids: [0, USER], readOnlyGids: [GROUP] },
    {},
    EVERYTHING,
  ],
] as const satisfies readonly (readonly [string, Partial<ServeOptions>, object, object])[]) {
  test(
    `lets in ${what}`,
    async () => {
      const listen = await serving(options)
      assert.deepEqual(await client(listen, who), may)
    },
    { skip },
  )
}

test(
  'the socket is given to an owner and a group, whose members then get as far as the door',
  async () => {
    const listen = await serving({ owner: 65_503, group: GROUP, mode: 0o660 })
    const { uid, gid, mode } = statSync(listen)
    assert.deepEqual([uid, gid, mode & 0o777], [65_503, GROUP, 0o660])
    assert.deepEqual(await client(listen, {}), REFUSED)
    assert.equal(server?.stats.refused, 1)
    assert.deepEqual(await client(listen, { gid: FURTHER }), REFUSED)
    assert.equal(server?.stats.refused, 1)
  },
  { skip },
)

test.run()
