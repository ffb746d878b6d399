/** The parts of `sgring bench` that need no unit. */

import assert from 'node:assert/strict'
import { Contents } from '#dist/cli/bench/contents.js'
import { type Job, jobOn, Kind, planOf } from '#dist/cli/bench/job.js'
import { Places } from '#dist/cli/bench/places.js'
import { Random } from '#dist/cli/bench/random.js'
import { reportOf } from '#dist/cli/bench/report.js'
import { Schedule } from '#dist/cli/bench/schedule.js'
import { Tally } from '#dist/cli/bench/tally.js'
import { ExitCode } from '#dist/cli/exit-code.js'
import { duration } from '#dist/cli/quantity.js'
import { suite } from '../harness/index.ts'

const test = suite('the parts of sgring bench')

const GIB = 2 ** 30
const capacity = {
  lastLba: BigInt(GIB / 512 - 1),
  blockLength: 512,
  protectionType: 0,
  logicalBlocksPerPhysicalBlock: 1,
  lowestAlignedLba: 0,
  provisioning: false,
  unmappedReadsZeros: false,
}

function jobOf(values: Record<string, string | boolean>, on = capacity): Job {
  return jobOn(planOf({ values }), on, 1 << 20)
}

test('percentiles are those of the sorted latencies, to three digits', () => {
  const random = new Random(7)
  const tally = new Tally()
  // Over six powers of ten, as latencies of stalls and of none are.
  const latencies = Array.from({ length: 20_000 }, () =>
    Math.round(100 * 10 ** (random.below(6e6) / 1e6)),
  )
  for (const ns of latencies) tally.operations[Kind.READ]!.succeeded(4096, ns / 1e6)
  const outcome = {
    tally,
    ending: 'count',
    error: undefined,
    seconds: 2,
    usage: {
      userUs: 1e6,
      systemUs: 0,
      voluntarySwitches: 0,
      involuntarySwitches: 0,
      batches: 0,
      wakes: 0,
    },
    unanswered: 0,
    waited: 0,
    unsent: 0,
  } as const
  const job = jobOf({ mode: 'read' })
  const report = reportOf({ address: '', unit: '', transport: 'ring', job, outcome })
  const { commandsPerS, bytesPerS, latencyNs } = report.operations.read!
  assert.deepEqual([commandsPerS, bytesPerS, report.cpu.nsPerCommand], [1e4, 4096e4, 5e4])
  assert.ok(latencyNs !== null)
  latencies.sort((one, other) => one - other)
  const near = (told: number, exact: number) =>
    assert.ok(Math.abs(told - exact) <= exact / 1000, `${told} is not near ${exact}`)
  near(latencyNs.mean, latencies.reduce((sum, ns) => sum + ns, 0) / latencies.length)
  for (const [key, percent] of [
    ['p50', 50],
    ['p90', 90],
    ['p95', 95],
    ['p99', 99],
    ['p99_9', 99.9],
    ['p99_99', 99.99],
    ['max', 100],
  ] as const) {
    near(latencyNs[key], latencies[Math.ceil((percent / 100) * latencies.length) - 1]!)
  }
  near(latencyNs.min, latencies[0]!)
})

test('a rate makes commands due at even times from the start, however late they leave', () => {
  const schedule = new Schedule(1000, 300)
  const due = Array.from({ length: 4 }, () => {
    const ms = schedule.dueMs(999_999)
    schedule.sent++
    return ms
  })
  assert.deepEqual(due, [1000, 1000 + 10 / 3, 1000 + 20 / 3, 1010])
  schedule.sent = 300 * 3600
  assert.equal(schedule.dueMs(0), 1000 + 3_600_000)
})

test('what was due before the end and was not sent is counted', () => {
  const schedule = new Schedule(0, 1000)
  assert.deepEqual([schedule.missed(0), schedule.missed(2.5), schedule.missed(3)], [0, 3, 3])
  // Not a command more for what rounding leaves of 0.3 s.
  const start = 8047.975308442
  assert.equal(new Schedule(start + 100, 10_000).missed(start + 100 + 300), 3000)
  schedule.sent = 2
  assert.deepEqual([schedule.missed(2.5), schedule.missed(1)], [1, 0])
})

test('without a rate a command is due at once, and none is missed', () => {
  const schedule = new Schedule(0, undefined)
  schedule.sent = 10
  assert.deepEqual([schedule.dueMs(123), schedule.missed(1e9)], [123, 0])
})

test('random numbers are the same for a seed, others for another, and even over any range', () => {
  const some = (seed: number) => {
    const random = new Random(seed)
    return Array.from({ length: 100 }, () => random.below(1e6))
  }
  assert.deepEqual(some(1), some(1))
  assert.notDeepEqual(some(1), some(2))
  for (const limit of [1, 10, 2 ** 32, 2 ** 40 + 1, 2 ** 53]) {
    const random = new Random(3)
    const counts = new Array<number>(10).fill(0)
    for (let draw = 0; draw < 10_000; draw++) {
      const number = random.below(limit)
      assert.ok(Number.isSafeInteger(number) && number >= 0 && number < limit)
      counts[Math.floor((number / limit) * 10)]!++
    }
    // Nine standard deviations of a tenth of 10,000 draws.
    if (limit > 1)
      for (const count of counts) assert.ok(Math.abs(count - 1000) < 270, String(counts))
  }
})

test('places at random are all those of the region, as whole multiples of the size', () => {
  const places = new Places(jobOf({ mode: 'randwrite', size: '4K', offset: '1M', length: '130K' }))
  const met = new Set<number>()
  for (let command = 0; command < 2000; command++) {
    const { kind, lba } = places.next()
    assert.equal(kind, Kind.WRITE)
    met.add(lba)
  }
  // 32 of them: 2 KiB at the end are too short for a command.
  const all = Array.from({ length: 32 }, (_, step) => 2048 + 8 * step)
  assert.deepEqual(
    [...met].sort((one, other) => one - other),
    all,
  )
})

test('places in order go through the region, and begin again', () => {
  const places = new Places(jobOf({ mode: 'read', size: '64K', offset: '64K', length: '192K' }))
  const lbas = Array.from({ length: 5 }, () => places.next().lba)
  assert.deepEqual(lbas, [128, 256, 384, 128, 256])
})

test('a mix has its share of reads', () => {
  for (const mix of [0, 70, 100]) {
    const places = new Places(jobOf({ mode: 'randrw', mix: String(mix) }))
    let reads = 0
    for (let command = 0; command < 10_000; command++) {
      if (places.next().kind === Kind.READ) reads++
    }
    // Seven standard deviations.
    assert.ok(Math.abs(reads - 100 * mix) <= (mix % 100 === 0 ? 0 : 320), `${mix}: ${reads}`)
  }
})

test('a mark tells the block, beyond 2^32 too, and the seed', () => {
  const contents = new Contents(5, 512)
  for (const lba of [0, 7, 2 ** 32 - 1, 2 ** 40 + 3]) {
    const data = new Uint8Array(4 * 512)
    contents.fill(data)
    assert.equal(contents.firstWrong(data, lba), lba)
    contents.mark(data, lba)
    assert.equal(contents.firstWrong(data, lba), undefined)
    assert.equal(contents.firstWrong(data, lba + 1), lba + 1)
    assert.equal(contents.firstWrong(data, lba + 2 ** 32), lba + 2 ** 32)
    assert.equal(new Contents(6, 512).firstWrong(data, lba), lba)
    data[2 * 512 + 15]! ^= 1
    assert.equal(contents.firstWrong(data, lba), lba + 2)
  }
})

test('what is written cannot be made shorter: bytes are as often as each other', () => {
  const data = new Uint8Array(1 << 16)
  new Contents(1, 512).fill(data)
  const counts = new Array<number>(256).fill(0)
  for (const byte of data) counts[byte]!++
  for (const count of counts) assert.ok(Math.abs(count - 256) < 8 * 16, String(count))
})

test('a job is for whole blocks within the unit', () => {
  assert.deepEqual(jobOf({}).region, { blockLength: 512, lba: 0, blocks: GIB / 512, blocksEach: 8 })
  const { perSecond, warmUpMs, timeMs, count } = jobOf({ count: '5', 'rate-bytes': '1M' })
  assert.deepEqual([perSecond, warmUpMs, timeMs, count], [256, 0, Number.POSITIVE_INFINITY, 5])
  for (const [values, message] of [
    [{ size: '1000' }, /--size: 1000 bytes are no whole number of blocks of 512/],
    [{ size: '2M' }, /--size: one command moves 1048576 bytes here at most, not 2097152/],
    [{ offset: '511' }, /--offset: 511 bytes are no whole number/],
    [{ length: '100' }, /--length: 100 bytes are no whole number/],
    [{ length: '2K' }, /--length is shorter than --size/],
    [{ offset: '1G' }, /not within the unit, which has 2097152 blocks/],
    [{ offset: '512M', length: '513M' }, /not within the unit/],
  ] as const) {
    assert.throws(() => jobOf(values), { message })
  }
})

test('options that make no sense, or not together, are refused', () => {
  for (const [values, message] of [
    [{ form: 'sync' }, /--form is one of batch, promise/],
    [{ depth: '0' }, /--depth is 1 to 4064, not 0/],
    [{ mix: '50' }, /--mix is for rw and randrw/],
    [{ mode: 'rw', mix: '101' }, /--mix is 0 to 100/],
    [{ mode: 'tur', size: '4K' }, /--size is for modes that move data/],
    [{ mode: 'tur', verify: true }, /--verify is for modes that move data/],
    [{ rate: '5', 'rate-bytes': '1M' }, /--rate and --rate-bytes exclude each other/],
    [{ rate: '0' }, /--rate is 1 to 1000000000/],
    [{ rate: '1M' }, /--rate is a number/],
    [{ count: '0' }, /--count is 1 to/],
    [{ seed: '0x100000000' }, /--seed is 0 to 4294967295/],
    [{ 'warm-up': 'x' }, /--warm-up is a number of seconds/],
  ] as const) {
    assert.throws(() => planOf({ values }), { message, exitCode: ExitCode.SYNTAX })
  }
})

test('durations are written in three digits', () => {
  assert.deepEqual(
    [0, 1, 999, 999.7, 1234, 99_960, 12_345_678, 3.6e12].map((ns) => duration(ns)),
    ['0 ns', '1 ns', '999 ns', '1.00 µs', '1.23 µs', '100 µs', '12.3 ms', '3600 s'],
  )
})

test.run()
