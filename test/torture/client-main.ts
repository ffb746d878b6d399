/**
 * A client of the torture: gives commands as its seed says until it is told otherwise, and tells of each on descriptor 3, before and after. The
 * same program is its own worker, which joins its nexus.
 */

import { createInterface } from 'node:readline'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { connect, type Nexus } from '#dist/ring/nexus.js'
import { BLOCKS_A_CLIENT, type ClientConfig, nameOf } from './client-config.ts'
import { Dice } from './dice.ts'
import { beyond, memory } from './memory.ts'
import { DISKS, Journal, Lane, tell } from './operations.ts'
import { killPointPasses } from './passes.ts'
import { QueueLane } from './queue-lane.ts'

const LANES = 6
const LANE_BLOCKS = 8
const QUEUE_DEPTH = 4
/** Longer than any run holds a target back. */
const WAIT_MS = 300_000
/** How long one that was turned away waits before it tries again. */
const RETRY_MS = 20

const config: ClientConfig = isMainThread ? JSON.parse(process.argv[2] ?? '') : workerData
const { socket, seed, giver, policy, lba } = config
const journal = new Journal(giver, policy)
let stopping = false
/** How often it was told to go, and who waits for that. */
let goes = 0
let onOrder: (() => void) | undefined
const heard = (resolve: () => void): void => {
  onOrder = resolve
}
let worker: Worker | undefined
let workerOver: Promise<void> | undefined
let workers = 0
/** The nexus that commands are given over now. */
let used: Nexus | undefined

/** Gives commands over one nexus, until it is lost or all is over. */
async function useNexus(nexus: Nexus): Promise<void> {
  nexus.events.on('resumed', ({ stalledMs }) => say({ stalledMs }))
  let lost = false
  nexus.events.once('end', () => {
    lost = true
  })
  const over = () => stopping || lost
  const laneOf = (lane: number) => new Lane(nexus, journal, lba + lane * LANE_BLOCKS)
  const queues = DISKS.map((unit) => {
    const first = lba + LANES * LANE_BLOCKS + unit * 2 * QUEUE_DEPTH
    return new QueueLane(nexus.unit(unit), journal, first, QUEUE_DEPTH)
  })
  const users = config.scripted
    ? [...script([laneOf(0), laneOf(1)]), useQueue(queues[0]!, 2, over)]
    : [
        ...Array.from({ length: LANES }, (_, lane) => useLane(laneOf(lane), diceOf(lane), over)),
        ...queues.map((queue) => useQueue(queue, Number.POSITIVE_INFINITY, over)),
      ]
  await Promise.all(users)
  for (const queue of queues) await queue.close()
  // What is lost is told when all of it has ended, in whatever order that is heard.
  const { outstanding, waiting, quarantined, arenaUsedBytes } = nexus.stats
  const left = { outstanding, waiting, quarantined, arenaUsedBytes }
  if (!lost && Object.values(left).some((count) => count !== 0)) {
    tell({ at: 'leaked', what: `client ${nameOf(giver)} keeps ${JSON.stringify(left)}` })
  }
  await nexus.close()
}

function diceOf(lane: number): Dice {
  return new Dice(seed, giver.client, giver.life, giver.worker, lane)
}

/** A command of each kind, always the same ones: two of them at a time. */
function script([first, second]: readonly [Lane, Lane]): Promise<unknown>[] {
  const [memory, file] = [0, 1]
  const lists: (() => Promise<unknown>)[][] = [
    [
      // A new nexus meets a unit attention condition first.
      () => first.read(memory, 0, 1),
      () => first.write(memory, 0, 3),
      () => first.swap(memory, 1),
      () => first.count(),
      () => first.differ(memory, 2),
      () => first.read(memory, 0, 4),
    ],
    [
      () => second.read(file, 0, 1),
      () => second.write(file, 0, 2),
      () => second.swap(file, 0),
      () => second.hold(),
      () => second.turnCache(file),
      () => second.write(file, 1, 1),
      () => second.flush(file),
      () => second.read(file, 0, 2),
    ],
  ]
  return lists.map(async (list) => {
    for (const operation of list) await operation()
  })
}

async function useLane(lane: Lane, dice: Dice, over: () => boolean): Promise<void> {
  while (!over()) {
    const unit = DISKS[dice.below(DISKS.length)] ?? 0
    const at = dice.below(LANE_BLOCKS)
    const blocks = dice.between(1, LANE_BLOCKS - at)
    await dice.pick<() => Promise<unknown>>([
      [30, () => lane.write(unit, at, blocks)],
      [30, () => lane.read(unit, at, blocks)],
      [10, () => lane.swap(unit, at)],
      [4, () => lane.differ(unit, at)],
      [20, () => lane.count()],
      [3, () => lane.hold()],
      [3, () => lane.function()],
      [1, () => lane.function(true)],
      [2, () => lane.flush(unit)],
      [1, () => lane.turnCache(unit)],
      [1, () => lane.reserve(unit)],
    ])()
  }
}

async function useQueue(lane: QueueLane, rounds: number, over: () => boolean): Promise<void> {
  try {
    for (let round = 0; round < rounds && !over(); round++) await lane.round()
  } catch (error) {
    // The nexus is lost, and its commands are told.
    if ((error as { code?: string }).code !== 'ERR_SGRING_NEXUS_LOST') throw error
  }
}

/** Over a nexus, and over another one when that is lost. What is scripted is done once for each `go`. */
async function run(): Promise<void> {
  for (let turn = 0; !stopping; turn++) {
    while (config.scripted && !stopping && goes <= turn) await new Promise<void>(heard)
    const nexus = stopping ? undefined : await connected()
    if (nexus === undefined) {
      turn--
      continue
    }
    say({ nexus: nexus.id })
    used = nexus
    if (config.hasWorker) startWorker(nexus)
    await useNexus(nexus)
    used = undefined
    if (stopping) await workerOver
    else await worker?.terminate()
    say({ turn })
  }
}

async function connected(): Promise<Nexus | undefined> {
  const { join } = config
  try {
    return await connect(socket, {
      slots: 24,
      arenaBytes: 1 << 20,
      abortTimeoutMs: WAIT_MS,
      connectTimeoutMs: WAIT_MS,
      recovery: { policy, waitMs: WAIT_MS },
      ...(join !== undefined && { join }),
    })
  } catch (error) {
    const { code = '' } = error as { code?: string }
    if (!AGAIN.has(code)) throw error
    // Of a nexus that is lost nobody can be a part any more.
    if (join !== undefined && code === 'ERR_SGRING_JOIN') stopping = true
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    return undefined
  }
}

/** There is no target now, or it has no room, or it ended meanwhile. */
const AGAIN: ReadonlySet<string> = new Set([
  'ERR_SGRING_NO_TARGET',
  'ERR_SGRING_CONNECT',
  'ERR_SGRING_HANDSHAKE',
  'ERR_SGRING_JOIN',
  'ERR_SGRING_LIMIT',
  'ERR_SGRING_NEXUS_LOST',
  'ERR_SGRING_SYSTEM',
  'ERR_SGRING_TIMEOUT',
])

/** Its commands are another client's, as far as anybody can see; its end is the end of its pair. */
function startWorker(nexus: Nexus): void {
  workers++
  const data: ClientConfig = {
    ...config,
    giver: { ...giver, worker: workers },
    lba: lba + BLOCKS_A_CLIENT / 2,
    hasWorker: false,
    join: nexus.share(),
  }
  const started = new Worker(new URL(import.meta.url), { workerData: data })
  worker = started
  started.on('error', (error) => {
    throw error
  })
  workerOver = new Promise((resolve) => {
    started.once('exit', () => {
      tell({ at: 'gone', client: nameOf(data.giver) })
      if (worker === started) worker = undefined
      resolve()
    })
  })
}

/** In the middle of whatever it does; another one follows it. */
async function endWorker(): Promise<void> {
  await worker?.terminate()
  if (config.hasWorker && !stopping && worker === undefined && used !== undefined) startWorker(used)
}

function say(line: object): void {
  if (isMainThread) process.stdout.write(`${JSON.stringify(line)}\n`)
}

if (isMainThread) {
  createInterface(process.stdin).on('line', (line) => {
    const [order, ms = '0'] = line.split(' ')
    if (order === 'go') {
      goes++
    } else if (order === 'stop') {
      stopping = true
      worker?.postMessage('stop')
    } else if (order === 'end-worker') {
      void endWorker()
    } else if (order === 'sleep') {
      // As if it had much to do: nothing is taken out of its queues.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms))
    }
    onOrder?.()
  })
} else {
  parentPort?.once('message', () => {
    stopping = true
  })
  parentPort?.unref()
}

const before = isMainThread ? memory() : undefined
await run()
if (before !== undefined) {
  const more = beyond(before, memory())
  if (more !== undefined) tell({ at: 'leaked', what: `client ${nameOf(giver)} has ${more}` })
  say({ passes: killPointPasses() })
  process.stdin.destroy()
}
