/**
 * The commands of a disk (SBC-3 clause 5, SPC-4 clause 6): what counts of each CDB, what it needs, and who carries it out. This table is
 * what dispatches, and what REPORT SUPPORTED OPERATION CODES tells.
 *
 * Usage data has ones for bits that count: NACA of the CONTROL byte, which the target looks at, among them, and bits that are refused when
 * they are set, but for obsolete ones; DPO, group numbers and obsolete fields are ignored, IMMED is allowed and without effect where nothing lasts long.
 */

import { getUint32 } from '../scsi/bytes.ts'
import { encodeCapacity10, encodeCapacity16 } from '../scsi/capacity.ts'
import { good } from '../task/answer.ts'
import type { Task } from '../task/task.ts'
import type { DiskCore } from './disk-core.ts'
import { readDefectData, receiveDiagnosticResults, sendDiagnostic } from './disk-diagnostic.ts'
import {
  exitFailureMode,
  formatUnit,
  sanitizeBlockErase,
  sanitizeOverwrite,
} from './disk-format.ts'
import { preventAllow, startStopUnit } from './disk-medium.ts'
import { CommandTable, type DiskCommand } from './disk-opcodes.ts'
import { lbaStatus, preFetch, unmap, writeSame } from './disk-provisioning.ts'
import type { Access } from './disk-state.ts'
import { compareAndWrite, orWrite, verify, writeAndVerify } from './disk-verify.ts'
import { unknownOpcode } from './refusal.ts'

type Run = (core: DiskCore, task: Task) => void

/** Which commands there are depends on these. */
interface Traits {
  readonly thin: boolean
  readonly removable: boolean
}

/** By `thin` and `removable`: thousands of disks share four of them. */
const tables = new Map<number, CommandTable>()

/** The table of a disk. */
export function diskCommands(traits: Traits): CommandTable {
  const key = Number(traits.thin) + 2 * Number(traits.removable)
  const table = tables.get(key) ?? tableOf(traits)
  tables.set(key, table)
  return table
}

function tableOf({ thin, removable }: Traits): CommandTable {
  const table: CommandTable = new CommandTable([
    command('00 00000000 04', 'medium', testUnitReady),
    command('03 010000ff 04', 'always', requestSense),
    writer('04 ff000000 04', formatUnit, 'erase'),
    command('08 1fffffff 04', 'medium', read),
    writer('0a 1fffffff 04', write),
    command('12 01ffffff 04', 'always', inquiry),
    command('15 11 0000 ff 04', 'unit', (core, task) => core.mode.select(task)),
    command('1a 08ffffff 04', 'unit', modeSense),
    command('1b 01000ff7 04', 'unit', startStopUnit),
    command('1c 01ffffff 04', 'unit', receiveDiagnosticResults),
    command('1d f700ffff 04', 'medium', sendDiagnostic),
    ...(removable ? [command('1e 00000003 04', 'unit', preventAllow)] : []),
    command('25 00 00000000 0000 00 04', 'medium', capacity10),
    command('28 f8 ffffffff 00 ffff 04', 'medium', read),
    writer('2a f8 ffffffff 00 ffff 04', write),
    writer('2e f6 ffffffff 00 ffff 04', writeAndVerify),
    command('2f f6 ffffffff 00 ffff 04', 'medium', verify),
    command('34 e2 ffffffff 00 ffff 04', 'medium', preFetch),
    command('35 02 ffffffff 00 ffff 04', 'medium', synchronizeCache),
    command('37 00 1f 00000000 ffff 04', 'medium', readDefectData),
    writer('41 ff ffffffff 00 ffff 04', writeSame),
    ...(thin ? [writer('42 01 00000000 00 ffff 04', unmap)] : []),
    writer('48 a0 00000000 00 ffff 04', sanitizeOverwrite, 'erase', 0x01),
    writer('48 a0 00000000 00 ffff 04', sanitizeBlockErase, 'erase', 0x02),
    command('48 00 00000000 00 ffff 04', 'unit', exitFailureMode, 0x1f),
    command('4c 03 ff ff 000000 ffff 04', 'unit', (core, task) => core.log.select(task)),
    command('4d 01 ff ff 00 ffff ffff 04', 'unit', (core, task) => core.log.sense(task)),
    command('55 11 0000000000 ffff 04', 'unit', (core, task) => core.mode.select(task)),
    command('5a 18 ffff 000000 ffff 04', 'unit', modeSense),
    command('88 f8 ffffffffffffffff ffffffff 00 04', 'medium', read),
    writer('89 f8 ffffffffffffffff 000000ff 00 04', compareAndWrite),
    writer('8a f8 ffffffffffffffff ffffffff 00 04', write),
    writer('8b f8 ffffffffffffffff ffffffff 00 04', orWrite),
    writer('8e f6 ffffffffffffffff ffffffff 00 04', writeAndVerify),
    command('8f f6 ffffffffffffffff ffffffff 00 04', 'medium', verify),
    command('90 e2 ffffffffffffffff ffffffff 00 04', 'medium', preFetch),
    command('91 02 ffffffffffffffff ffffffff 00 04', 'medium', synchronizeCache),
    writer('93 ff ffffffffffffffff ffffffff 00 04', writeSame),
    command('9e 00 0000000000000000 ffffffff 00 04', 'medium', capacity16, 0x10),
    ...(thin ? [command('9e 00 ffffffffffffffff ffffffff 00 04', 'medium', lbaStatus, 0x12)] : []),
    // The target answers it, whatever the LUN.
    command('a0 00ff000000 ffffffff 00 04', 'always', refuse),
    command(
      'a3 00 87ff ffff ffffffff 00 04',
      'unit',
      (_, task) => task.answer(table.report(task.cdb)),
      0x0c,
    ),
    command('a8 f8 ffffffff ffffffff 00 04', 'medium', read),
    writer('aa f8 ffffffff ffffffff 00 04', write),
    writer('ae f6 ffffffff ffffffff 00 04', writeAndVerify),
    command('af f6 ffffffff ffffffff 00 04', 'medium', verify),
    command('b7 1f 00000000 ffffffff 00 04', 'medium', readDefectData),
  ])
  return table
}

// What the disk itself carries out.
const read: Run = (core, task) => core.own.read(task)
const write: Run = (core, task) => core.own.write(task)
const testUnitReady: Run = (_, task) => task.good()
const synchronizeCache: Run = (core, task) => core.own.synchronizeCache(task)
const inquiry: Run = (core, task) => core.own.inquiry(task)
const requestSense: Run = ({ state, mode }, task) =>
  task.answer(state.requestSense(task.cdb, mode.exception))
const capacity10: Run = ({ blocks, blockLength }, task) =>
  task.answer(good(encodeCapacity10(BigInt(blocks) - 1n, blockLength)))
const capacity16: Run = (core, task) =>
  task.answer(good(capacityData(core).subarray(0, getUint32(task.cdb, 10))))

function capacityData({ blocks, blockLength, thin }: DiskCore): Uint8Array {
  return encodeCapacity16({
    lastLba: BigInt(blocks) - 1n,
    blockLength,
    protectionType: 0,
    logicalBlocksPerPhysicalBlock: 1,
    lowestAlignedLba: 0,
    provisioning: thin,
    unmappedReadsZeros: thin,
  })
}

function modeSense(core: DiskCore, task: Task): void {
  task.answer(core.mode.sense(task))
}

function refuse(_core: DiskCore, task: Task): void {
  task.answer(unknownOpcode())
}

/** @param usage usage data in hexadecimal, with the operation code and without the service action */
function command(usage: string, access: Access, run: Run, action?: number): DiskCommand {
  const bytes = Uint8Array.from(Buffer.from(usage.replaceAll(' ', ''), 'hex'))
  bytes[1]! |= action ?? 0
  return { opcode: bytes[0]!, action, usage: bytes, access, writes: false, run }
}

function writer(usage: string, run: Run, access: Access = 'medium', action?: number): DiskCommand {
  return { ...command(usage, access, run, action), writes: true }
}
