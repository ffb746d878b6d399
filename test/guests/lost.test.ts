import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const { runGuest } = await import(join(root, 'scripts/lib/guest.js'))
const { runGroup } = await import(join(root, 'scripts/lib/guest-group.js'))
const { cachedKernel } = await import(join(root, 'scripts/lib/kernels.js'))
const { machine } = await import(join(root, 'scripts/lib/machines.js'))

interface Outcome {
  readonly name: string
  readonly passed: number
  readonly failed: number
  readonly trouble?: string
}

/** Runs fixtures in guests, one after the other. */
async function runFixtures(patience: object, ...fixtures: string[]) {
  const outcomes: Outcome[] = []
  const guests: string[] = []
  const files = fixtures.map((name) => `test/harness/fixtures/${name}.ts`)
  const options = { 'scsi-debug': 'dev_size_mb=8', modules: '', qemu: '' }
  const group = { kernel: '6.1', machine: machine(options), files }
  await runGroup(cachedKernel('6.1'), group, {
    root,
    programs: new Map(),
    patience,
    tell: (outcome: Outcome) => outcomes.push(outcome),
    note: (text: string) => guests.push(text),
  })
  return { outcomes, guests }
}

const patient = { fileSeconds: 60 }
const deadlineMs = 10 * 60_000
const test = suite('the tests in a guest')

test(
  'fail where it panics, with what the kernel said, and go on in a further one',
  async () => {
    const { outcomes, guests } = await runFixtures(patient, 'guest-panicking', 'guest-passing')
    assert.deepEqual(
      outcomes.map(({ name, passed, failed }) => [name, passed, failed]),
      [
        ['6.1 test/harness/fixtures/guest-panicking.ts', 1, 1],
        ['6.1 test/harness/fixtures/guest-passing.ts', 1, 0],
      ],
    )
    const [{ trouble = '' } = {}] = outcomes
    assert.match(trouble, /was lost with its guest during "a guest > panics"/)
    assert.match(trouble, /^\[.*\] Kernel panic - not syncing: sysrq triggered crash/m)
    assert.equal(guests.length, 2)
    for (const guest of guests) assert.match(guest, /up after \d+\.\d s, \d+\.\d s in all/)
  },
  { deadlineMs },
)

test(
  'fail where nothing else can run in it',
  async () => {
    const { outcomes } = await runFixtures(
      { ...patient, silence: { cpuSeconds: 15, seconds: 300 } },
      'guest-starving',
    )
    assert.deepEqual([outcomes[0]?.passed, outcomes[0]?.failed], [0, 1])
    assert.match(outcomes[0]?.trouble ?? '', /it gave no sign of life for \d+ s/)
    assert.match(outcomes[0]?.trouble ?? '', /during "a guest > lets nothing run/)
  },
  { deadlineMs },
)

test(
  'fail where no signal reaches them, with the place where the kernel holds them',
  async () => {
    const { outcomes } = await runFixtures({ fileSeconds: 1 }, 'guest-stuck')
    assert.deepEqual([outcomes[0]?.passed, outcomes[0]?.failed], [0, 1])
    assert.match(outcomes[0]?.trouble ?? '', /its test did not end within \d+ s/)
    assert.match(outcomes[0]?.trouble ?? '', /blkdev_fsync/)
  },
  { deadlineMs },
)

/** Boots with a program in QEMU's place: QEMU gives no kernel that dies or hangs while it comes up. How it ended, and how often it was started. */
async function bootsWith(program: string, options = {}) {
  const folder = temporaryFolder()
  const [qemu, starts, results] = ['qemu-system-x86_64', 'starts', ''].map((name) =>
    join(folder, name),
  )
  writeFileSync(qemu!, `#!/bin/sh\necho >>${starts}\n${program}\n`)
  chmodSync(qemu!, 0o755)
  const before = process.env.PATH
  process.env.PATH = `${folder}:${before}`
  try {
    const plain = machine({ 'scsi-debug': 'dev_size_mb=8', modules: '', qemu: '' })
    const end = await runGuest(cachedKernel('6.1'), plain, 'true', results, options)
    return { end, starts: readFileSync(starts!, 'utf8').length }
  } finally {
    process.env.PATH = before
  }
}

test('is booted once more where it died before its job began, and no more often', async () => {
  const { end, starts } = await bootsWith('exit 1')
  assert.deepEqual([end.status, starts], [undefined, 2])
  assert.match(end.trouble, /ended by itself before its job/)
})

test('is booted once more where it hung before its job began, and no more often', async () => {
  const silence = { cpuSeconds: 40, seconds: 0.5 }
  const { end, starts } = await bootsWith('exec sleep 600', { silence })
  assert.deepEqual([end.status, starts], [undefined, 2])
  assert.match(end.trouble, /it gave no sign of life for/)
})

test('is not booted once more where its job had begun', async () => {
  const silence = { cpuSeconds: 40, seconds: 0.5 }
  for (const then of ['sleep 1', 'exec sleep 600']) {
    const { end, starts } = await bootsWith(`echo >$(dirname $0)/beat\n${then}`, { silence })
    assert.deepEqual([end.status, starts], [undefined, 1])
  }
})

test.run()
