import assert from 'node:assert/strict'
import { senseCodeName } from '#dist/scsi/sense-code.js'
import { SenseCode } from '#dist/scsi/ssc/index.js'
import { suite } from '../../harness/index.ts'

const test = suite('additional sense codes of tapes')

test("have T10's names (spc-5 annex F)", () => {
  for (const [name, code] of Object.entries(SenseCode)) {
    const words = senseCodeName(code >> 8, code & 0xff)?.replace(/[^A-Z]+/g, '_')
    assert.equal(words, name)
  }
})

test.run()
