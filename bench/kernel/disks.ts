/** The disks of scsi_debug that the contestants use, and the devices of one. */

import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type OpenedNode, open, SgringError } from '#dist/index.js'
import { BLOCK_BYTES, blocks, checkWhole } from '../image.ts'

/** One disk's nodes. */
export interface Disk {
  /** Its address, H:C:T:L. */
  readonly address: string
  readonly bsg: `/dev/${string}`
  readonly sg: `/dev/${string}`
}

/** A host adapter each, so that each has memory of its own; in the order of their addresses. */
export function disks(): readonly [Disk, Disk] {
  const found = readdirSync('/sys/bus/scsi/drivers/sd')
    .filter((name) => /^\d+:\d+:\d+:\d+$/.test(name))
    .sort()
    .map((name): Disk => {
      const [sg] = readdirSync(`/sys/bus/scsi/devices/${name}/scsi_generic`)
      return { address: name, bsg: `/dev/bsg/${name}`, sg: `/dev/${sg}` }
    })
  const [first, second] = found
  if (first === undefined || second === undefined) throw new Error('there are no two disks here')
  return [first, second]
}

/** How many commands the disk has had, whoever sent them. */
export function commands({ address }: Disk): number {
  return Number(readFileSync(`/sys/bus/scsi/devices/${address}/iorequest_cnt`, 'utf8'))
}

const FILL_BYTES = 1 << 17
const FILL_BLOCKS = FILL_BYTES / BLOCK_BYTES

/** Has the first `bytes` of a disk say which block they are, unless they do. */
export async function fill({ sg }: Disk, bytes: number): Promise<void> {
  const unit = await ready(sg)
  const end = bytes / BLOCK_BYTES
  const last = await unit.read({ lba: end - 1, blocks: 1 })
  if (Buffer.compare(last, blocks(end - 1, 1)) !== 0) {
    for (let lba = 0; lba < end; lba += FILL_BLOCKS)
      await unit.write({ lba, data: blocks(lba, Math.min(FILL_BLOCKS, end - lba)) })
  }
  await unit.close()
}

/** Overwrites some blocks below `bytes`, the first and the last among them; what it returns throws unless they were copied since. */
export async function spoil({ sg }: Disk, bytes: number): Promise<() => Promise<void>> {
  const unit = await ready(sg)
  const end = bytes / BLOCK_BYTES
  const places = [0, end - 1, ...Array.from({ length: 14 }, () => randomInt(end))]
  for (const lba of places) await unit.write({ lba, data: new Uint8Array(BLOCK_BYTES) })
  return async () => {
    for (const lba of places) checkWhole(await unit.read({ lba, blocks: 1 }), lba)
    await unit.close()
  }
}

/** A unit that has told its unit attentions. */
export async function ready(
  path: `/dev/${string}`,
  options: Parameters<typeof open>[1] = {},
): Promise<OpenedNode> {
  const unit = await open(path, options)
  for (;;) {
    try {
      await unit.testUnitReady()
      return unit
    } catch (error) {
      const attention = error instanceof SgringError && error.code === 'ERR_SGRING_CHECK_CONDITION'
      if (!attention) throw error
    }
  }
}
