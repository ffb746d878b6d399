import assert from 'node:assert/strict'
import { Arena, type Extent } from '#dist/ring/arena.js'
import { suite } from '../harness/index.ts'

const test = suite('an arena')

const PAGE = 4096

/** Who has each page, and which pages were handed out since they were last given back: the naive way. */
class Model {
  readonly taken: Uint8Array
  readonly resident: Uint8Array

  constructor(pages: number) {
    this.taken = new Uint8Array(pages)
    this.resident = new Uint8Array(pages)
  }

  /** At least the pages under this extent are its own now. */
  take({ offset, length }: Extent): void {
    assert.equal(offset % PAGE, 0)
    const pages = this.taken.subarray(offset / PAGE, Math.ceil((offset + length) / PAGE))
    assert.equal(pages.length, Math.ceil(length / PAGE), 'it lies in the arena')
    assert.ok(
      pages.every((page) => page === 0),
      'nobody else has it',
    )
    pages.fill(1)
    this.resident.fill(1, offset / PAGE, Math.ceil((offset + length) / PAGE))
  }

  free({ offset, length }: Extent): void {
    this.taken.fill(0, offset / PAGE, Math.ceil((offset + length) / PAGE))
  }

  giveBack(offset: number, length: number): void {
    assert.deepEqual([offset % PAGE, length % PAGE], [0, 0])
    const pages = this.taken.subarray(offset / PAGE, (offset + length) / PAGE)
    assert.ok(pages.length > 0 && pages.every((page) => page === 0), 'only free pages')
    this.resident.fill(0, offset / PAGE, (offset + length) / PAGE)
  }
}

/** Numbers below a limit, the same ones for the same seed. */
function random(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

for (const pages of [1, 2, 3, 7, 16, 100, 1024, 5000]) {
  test(
    `of ${pages} pages never gives a byte twice, and gets all back`,
    () => {
      const below = random(pages)
      const model = new Model(pages)
      const keepBytes = Math.floor(pages / 4) * PAGE
      const arena = new Arena(pages * PAGE, keepBytes, (offset, length) =>
        model.giveBack(offset, length),
      )
      const held: (readonly Extent[])[] = []
      const giveUp = (index: number) => {
        for (const extent of held[index] ?? []) {
          model.free(extent)
          arena.free(extent.offset, extent.length)
        }
        held.splice(index, 1)
      }
      for (let step = 0; step < 4000; step++) {
        switch (below(5)) {
          case 0:
          case 1: {
            const length = 1 + below(below(8) === 0 ? pages * PAGE : 3 * PAGE)
            const offset = arena.allocate(length)
            if (offset < 0) break
            model.take({ offset, length })
            held.push([{ offset, length }])
            break
          }
          case 2: {
            const bytes = 1 + below(pages * PAGE)
            const extents = arena.allocatePieces(bytes, 8)
            if (extents === undefined) break
            assert.ok(extents.length <= 8)
            assert.equal(
              extents.reduce((sum, { length }) => sum + length, 0),
              bytes,
            )
            for (const extent of extents) model.take(extent)
            held.push(extents)
            break
          }
          case 3:
            if (held.length > 0) giveUp(below(held.length))
            break
          default:
            if (below(20) !== 0) break
            arena.trim()
            assert.equal(arena.excess, false)
        }
        const taken = model.taken.reduce((sum, page) => sum + page, 0)
        assert.ok(arena.usedBytes >= taken * PAGE)
        assert.ok(arena.residentBytes >= model.resident.reduce((sum, page) => sum + page, 0) * PAGE)
        assert.ok(arena.residentBytes <= pages * PAGE)
      }
      while (held.length > 0) giveUp(0)
      assert.equal(arena.usedBytes, 0)
      arena.trim()
      assert.ok(arena.residentBytes <= keepBytes)
      // All of it is there again, however it was cut.
      const all = Array.from({ length: pages }, () => arena.allocate(PAGE))
      assert.equal(new Set(all).size, pages)
      assert.ok(all.every((offset) => offset >= 0))
      assert.equal(arena.allocate(1), -1)
    },
    { deadlineMs: 60_000 },
  )
}

test('gives a whole block again after it was cut to pages and put back', () => {
  const arena = new Arena(64 * PAGE, 0, () => {})
  const pages = Array.from({ length: 64 }, () => arena.allocate(PAGE))
  for (const page of pages) arena.free(page, PAGE)
  assert.equal(arena.allocate(64 * PAGE), 0)
})

test('gives nothing of a transfer that needs more pieces than it may have', () => {
  const arena = new Arena(64 * PAGE, 0, () => {})
  const pages = Array.from({ length: 64 }, () => arena.allocate(PAGE))
  for (const [index, page] of pages.entries()) if (index % 2 === 0) arena.free(page, PAGE)
  const used = arena.usedBytes
  assert.equal(arena.allocatePieces(9 * PAGE, 8), undefined)
  assert.equal(arena.usedBytes, used)
  assert.equal(arena.allocatePieces(9 * PAGE, 9)?.length, 9)
})

test('gives back what is free beyond the watermark, and no more', () => {
  const given: Extent[] = []
  const arena = new Arena(256 * PAGE, 16 * PAGE, (offset, length) => given.push({ offset, length }))
  const block = arena.allocate(128 * PAGE)
  const kept = arena.allocate(64 * PAGE)
  assert.deepEqual([arena.residentBytes, arena.excess], [192 * PAGE, false])
  arena.free(block, 128 * PAGE)
  assert.equal(arena.excess, true)
  arena.trim()
  assert.deepEqual(given, [{ offset: block, length: 128 * PAGE }])
  assert.deepEqual([arena.residentBytes, arena.excess], [64 * PAGE, false])
  arena.free(kept, 64 * PAGE)
  arena.trim()
  assert.ok(arena.residentBytes <= 16 * PAGE)
})

test('counts memory as its own that could not be given back', () => {
  let refuses = true
  const arena = new Arena(16 * PAGE, 0, () => {
    if (refuses) throw new Error('not now')
  })
  arena.free(arena.allocate(8 * PAGE), 8 * PAGE)
  assert.throws(() => arena.trim(), /not now/)
  assert.deepEqual([arena.residentBytes, arena.excess], [8 * PAGE, true])
  refuses = false
  arena.trim()
  assert.deepEqual([arena.residentBytes, arena.excess], [0, false])
})

test('has no block for more than there is, also beyond 2^32 bytes', () => {
  const arena = new Arena(16 * PAGE, 0, () => {})
  for (const bytes of [17 * PAGE, 2 ** 31, 2 ** 32, 2 ** 32 + 1])
    assert.equal(arena.allocate(bytes), -1)
  assert.equal(arena.usedBytes, 0)
})

test.run()
