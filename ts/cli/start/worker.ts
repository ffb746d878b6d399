/** A thread of the main job: it joins the nexus, and sends mixed commands in lanes. Each lane knows what its blocks must hold. */

import { once } from 'node:events'
import { createHistogram } from 'node:perf_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import type { LogicalUnit } from '../../initiator/unit.ts'
import { connect } from '../../ring/nexus.ts'
import { type Assignment, LANE_BLOCKS, type ThreadOutcome } from './mixed.ts'

const { socket, join, firstBlock, depth, seconds, counter } = workerData as Assignment
const latency = createHistogram()
let commands = 0
let errors = 0
let firstError: string | undefined

const nexus = await connect(socket, { join })
try {
  const unit = nexus.unit(0)
  const { blockLength } = await unit.readCapacity()
  const go = once(parentPort!, 'message')
  parentPort!.postMessage('ready')
  await go
  const end = performance.now() + seconds * 1000
  const lanes = Array.from({ length: depth }, (_, lane) => runLane(unit, blockLength, lane, end))
  await Promise.all(lanes)
} finally {
  await nexus.close()
}
const outcome: ThreadOutcome = { commands, errors, firstError, latency }
parentPort!.postMessage(outcome)

/** One command after the other until `end`; the first is a WRITE. */
async function runLane(
  unit: LogicalUnit,
  blockLength: number,
  lane: number,
  end: number,
): Promise<void> {
  const lba = firstBlock + lane * LANE_BLOCKS
  const content = new Uint8Array(LANE_BLOCKS * blockLength)
  const words = new Uint32Array(content.buffer)
  const write = () => {
    words.fill(commands * depth + lane)
    return timed(() => unit.write({ lba, data: content }))
  }
  const read = async () => {
    const data = await timed(() => unit.read({ lba, blocks: LANE_BLOCKS }))
    if (Buffer.compare(data, content) !== 0)
      throw new Error(`READ of block ${lba}: other bytes came`)
  }
  const ready = () => timed(() => unit.testUnitReady())
  const inquiry = async () => {
    const { product } = await timed(() => unit.inquiry())
    if (product !== 'DISK IN MEMORY') throw new Error(`INQUIRY: the product is ${product}`)
  }
  const capacity = async () => {
    const said = await timed(() => unit.readCapacity())
    if (said.blockLength !== blockLength) throw new Error(`READ CAPACITY: ${said.blockLength}`)
  }
  const mix = [ready, ready, ready, ready, read, read, read, write, inquiry, capacity]

  for (let step = write as () => Promise<void>; performance.now() < end; ) {
    try {
      await step()
    } catch (error) {
      errors++
      firstError ??= String(error)
    }
    step = mix[Math.floor(Math.random() * mix.length)]!
  }
}

async function timed<T>(command: () => Promise<T>): Promise<T> {
  const sent = performance.now()
  try {
    return await command()
  } finally {
    latency.record(Math.max(1, Math.round((performance.now() - sent) * 1e6)))
    commands++
    Atomics.add(counter, 0, 1)
  }
}
