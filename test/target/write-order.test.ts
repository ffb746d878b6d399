import assert from 'node:assert/strict'
import type { Extent } from '#dist/target/repetition.js'
import { ORDER_WORDS, WriteOrder } from '#dist/target/write-order.js'
import { suite } from '../harness/index.ts'
import { generator, seed } from '../scsi/random.ts'

const test = suite('the order of changes')

/** Blocks, close together or far apart, few or many; or none that are known. */
function extent(next: () => number): Extent | undefined {
  const kind = next() % 8
  if (kind === 0) return undefined
  return { lba: next() % 100_000, blocks: next() % (kind === 1 ? 20_000 : 64) }
}

test('a change is overtaken by every later one of its blocks, and the last by none', () => {
  const next = generator(seed)
  for (let round = 0; round < 500; round++) {
    const words = new Float64Array(ORDER_WORDS)
    const lun = next() % 16_384
    const order = new WriteOrder(words, lun)
    const begun = Array.from({ length: 1 + (next() % 40) }, () => {
      const change = extent(next)
      return [change, order.begin(change)] as const
    })
    // The next target finds the same words.
    const heir = new WriteOrder(words, lun)
    for (const [index, [change, sequence]] of begun.entries()) {
      const later = begun.slice(index + 1).some(([other]) => meet(change, other))
      if (later) assert.ok(heir.overtaken(change, sequence), `seed ${seed}`)
    }
    const [last, sequence] = begun.at(-1)!
    assert.ok(!heir.overtaken(last, sequence), `seed ${seed}`)
  }
})

test('neighbours in other stripes do not overtake one another', () => {
  const order = new WriteOrder(new Float64Array(ORDER_WORDS), 0)
  const first = { lba: 0, blocks: 8 }
  const sequence = order.begin(first)
  order.begin({ lba: 8, blocks: 8 })
  assert.ok(!order.overtaken(first, sequence))
  order.begin({ lba: 7, blocks: 2 })
  assert.ok(order.overtaken(first, sequence))
})

test('units in one file have an order of their own each', () => {
  const words = new Float64Array(ORDER_WORDS)
  const [first, second] = [new WriteOrder(words, 0), new WriteOrder(words, 1)]
  const sequence = first.begin({ lba: 0, blocks: 8 })
  const anywhere = first.begin(undefined)
  second.begin({ lba: 0, blocks: 8 })
  second.begin(undefined)
  assert.ok(!first.overtaken(undefined, anywhere))
  assert.ok(first.overtaken({ lba: 0, blocks: 8 }, sequence))
  assert.ok(new WriteOrder(words, 1).begin(undefined) > anywhere)
})

function meet(one: Extent | undefined, other: Extent | undefined): boolean {
  if (one === undefined || other === undefined || one.blocks === 0 || other.blocks === 0)
    return true
  return one.lba < other.lba + other.blocks && other.lba < one.lba + one.blocks
}

test.run()
