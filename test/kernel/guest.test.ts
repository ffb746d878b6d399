import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { release } from 'node:os'
import { suite } from '../harness/index.ts'

const guest = process.env.SGRING_GUEST

const test = suite(`the guest ${guest}`)

test('runs the kernel that its name says', () => {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  if (guest === '6.1') assert.deepEqual([major, minor], [6, 1])
  else assert.ok(major > 7 || (major === 7 && minor >= 1), release())
})

for (const [folder, pattern] of [
  ['/dev', /^sg\d+$/],
  ['/dev/bsg', /^\d+:\d+:\d+:\d+$/],
] as const) {
  test(`has nodes in ${folder} that answer sg_inq as scsi_debug`, () => {
    const nodes = readdirSync(folder).filter((name) => pattern.test(name))
    assert.equal(nodes.length, 3)
    for (const node of nodes) {
      const output = execFileSync('sg_inq', [`${folder}/${node}`], { encoding: 'utf8' })
      assert.match(output, /Peripheral device type: disk/)
      assert.match(output, /Product identification: scsi_debug/)
    }
  })
}

test('loads the modules of its kernel by modprobe', () => {
  execFileSync('modprobe', ['st'])
  assert.ok(readdirSync('/sys/module').includes('st'))
})

test.run()
