import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { read10 } from '#dist/scsi/block.js'
import { formatUnit, sanitizeBlockErase, sanitizeExitFailureMode } from '#dist/scsi/block-medium.js'
import { Disk } from '#dist/target/disk.js'
import { KeptConditions } from '#dist/target/kept-condition.js'
import { Target } from '#dist/target/target.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import { TEST_UNIT_READY } from './served-disk.ts'

const test = suite('the condition of a medium that outlives its target')

const MEDIUM = '/disk.img'
const root = temporaryFolder()

/** A medium, and the targets that follow one another on it. */
class Home {
  readonly folder = mkdtempSync(join(root, 'home-'))
  readonly path = join(this.folder, 'conditions')
  readonly backing = new PlainBacking(65_536)
  nexus: PlainNexus = this.next()

  /** The target is no more, with what it was doing. */
  next({ anew = false }: { readonly anew?: boolean } = {}): PlainNexus {
    this.nexus = this.another(new KeptConditions(this.path), anew)
    return this.nexus
  }

  another(conditions: KeptConditions, anew = false): PlainNexus {
    const disk = new Disk({ backing: this.backing })
    disk.keep(conditions.of(MEDIUM, anew))
    const nexus = new PlainNexus(new Target([[0, disk]]))
    run(nexus, TEST_UNIT_READY)
    return nexus
  }

  ends(command: Parameters<PlainNexus['send']>[0]): string {
    return this.nexus.send(command).end
  }

  finish(): void {
    this.nexus.background.finish()
    this.nexus.flush()
  }
}

for (const [name, command, failed] of [
  ['FORMAT UNIT', formatUnit, '3/31/00'],
  ['SANITIZE', sanitizeBlockErase, '3/31/03'],
] as const) {
  for (const [steps, when] of [
    [0, 'before it touches the medium'],
    [1, 'before all of it is on the medium'],
  ] as const) {
    test(`${name} that its target dies over ${when} has failed, until another one ends (sbc-3 4.11, 5.3)`, () => {
      const home = new Home()
      assert.equal(home.ends(command({ immed: true })), 'GOOD')
      for (let step = 0; step < steps; step++) home.nexus.background.step()
      home.next()
      assert.equal(home.ends(TEST_UNIT_READY), failed)
      assert.equal(home.ends({ ...read10({ lba: 0, blocks: 1, blockLength: 512 }) }), failed)
      assert.equal(home.ends(command({ immed: true })), 'GOOD')
      home.next()
      assert.equal(home.ends(TEST_UNIT_READY), failed)
      const whole = home.nexus.send(command({}))
      home.finish()
      assert.equal(whole.end, 'GOOD')
      assert.equal(home.ends(TEST_UNIT_READY), 'GOOD')
      home.next()
      assert.equal(home.ends(TEST_UNIT_READY), 'GOOD')
    })
  }

  test(`${name} that fails has failed for the next target, too`, () => {
    const home = new Home()
    const task = home.nexus.send(command({}))
    home.backing.errno = 5
    home.finish()
    assert.notEqual(task.end, 'GOOD')
    home.backing.errno = 0
    home.next()
    assert.equal(home.ends(TEST_UNIT_READY), failed)
  })

  test(`${name} does not begin where that cannot be noted`, () => {
    const home = new Home()
    rmSync(home.folder, { recursive: true })
    assert.equal(home.ends(command({ immed: true })), 'status 2')
    assert.equal(home.nexus.failures.length, 1)
    assert.deepEqual(home.backing.log, [])
    assert.equal(home.ends(TEST_UNIT_READY), 'GOOD')
  })
}

for (const unrestrictedExit of [false, true]) {
  test(`EXIT FAILURE MODE leaves behind what an earlier target has left ${unrestrictedExit ? 'with' : 'only with'} AUSE (sbc-3 4.11.3)`, () => {
    const home = new Home()
    assert.equal(home.ends(sanitizeBlockErase({ immed: true, unrestrictedExit })), 'GOOD')
    for (let target = 0; target < 2; target++) {
      home.next()
      assert.equal(home.ends(formatUnit()), '3/31/03')
    }
    assert.equal(home.ends(sanitizeExitFailureMode()), unrestrictedExit ? 'GOOD' : '5/24/00')
    home.next()
    assert.equal(home.ends(TEST_UNIT_READY), unrestrictedExit ? 'GOOD' : '3/31/03')
  })
}

test('is not that of a medium that was made anew', () => {
  const home = new Home()
  home.ends(formatUnit({ immed: true }))
  home.next({ anew: true })
  assert.equal(home.ends(TEST_UNIT_READY), 'GOOD')
  home.next()
  assert.equal(home.ends(TEST_UNIT_READY), 'GOOD')
})

test('is not told by a disk any more on whose medium there is another', () => {
  const home = new Home()
  const conditions = new KeptConditions(home.path)
  const first = home.another(conditions)
  first.send(formatUnit({ immed: true }))
  const second = home.another(conditions)
  assert.equal(second.send(TEST_UNIT_READY).end, '3/31/00')
  first.background.finish()
  home.next()
  assert.equal(home.ends(TEST_UNIT_READY), '3/31/00')
})

test('is not told by a target any more that has let go of it', () => {
  const home = new Home()
  const conditions = new KeptConditions(home.path)
  const first = home.another(conditions)
  first.send(formatUnit({ immed: true }))
  conditions.close()
  home.next()
  first.background.finish()
  assert.equal(home.ends(TEST_UNIT_READY), '3/31/00')
  home.next()
  assert.equal(home.ends(TEST_UNIT_READY), '3/31/00')
})

test('is in a file that is never there in part', () => {
  const home = new Home()
  writeFileSync(`${home.path}.new`, 'unfinished')
  home.ends(formatUnit({ immed: true }))
  assert.deepEqual(readdirSync(home.folder), ['conditions'])
})

for (const [name, make] of [
  ['nothing', (path: string) => writeFileSync(path, '')],
  ['no JSON', (path: string) => writeFileSync(path, '{')],
  ['other words', (path: string) => writeFileSync(path, '{"/disk.img":"sanitized"}')],
  ['a number', (path: string) => writeFileSync(path, '7')],
  ['a word', (path: string) => writeFileSync(path, '"sanitizing"')],
  ['a list', (path: string) => writeFileSync(path, '["formatting"]')],
  ['a folder', (path: string) => mkdirSync(path)],
  ['a link', (path: string) => symlinkSync('/dev/null', path)],
] as const) {
  test(`is not guessed from a file that has, or is, ${name}`, () => {
    const path = join(mkdtempSync(join(root, 'other-')), 'conditions')
    make(path)
    assert.throws(() => new KeptConditions(path), { code: 'ERR_SGRING_BACKING' })
  })
}

test.run()
