/**
 * What a disk counts, and the log pages that tell it (SPC-4 7.3, SBC-3 6.3): true numbers only. There is no page of a temperature, since a
 * disk here has none, and in the others no parameter of what nobody knows.
 */

import { getUint16 } from '../scsi/bytes.ts'
import {
  BINARY_LIST,
  DATA_COUNTER,
  LogPageControl,
  type LogPageName,
  type LogParameter,
} from '../scsi/log.ts'
import { type ErrorCounters, READ_ERRORS, VERIFY_ERRORS, WRITE_ERRORS } from '../scsi/log-error.ts'
import { type LogPageLayout, logParameters } from '../scsi/log-fields.ts'
import {
  INFORMATIONAL_EXCEPTIONS,
  PROVISIONING_STATISTICS,
  type ProvisioningStatistics,
  STATISTICS,
} from '../scsi/log-health.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { good } from '../task/answer.ts'
import type { BackingUsage, Task } from '../task/task.ts'
import type { DiskCore } from './disk-core.ts'
import { answerLogSense, type LoggedPage, selectedPages } from './log-sense.ts'
import { illegalRequest, invalidField } from './refusal.ts'

/** Counted where it happens, by nothing dearer than an increment, and never set back: a page that is reset remembers what there was. */
export interface DiskCounts {
  /** READ, WRITE, WRITE AND VERIFY and UNMAP commands, however they end. */
  readCommands: number
  writeCommands: number
  /** Of those commands; READ and WRITE as far as they were moved. */
  readBytes: number
  writtenBytes: number
  /** Written by other commands. */
  otherWrittenBytes: number
  /** Read from the medium to be verified. */
  verifiedBytes: number
  /** Medium errors, each of one command. */
  readErrors: number
  writeErrors: number
  verifyErrors: number
}

export function noCounts(): DiskCounts {
  return {
    readCommands: 0,
    writeCommands: 0,
    readBytes: 0,
    writtenBytes: 0,
    otherWrittenBytes: 0,
    verifiedBytes: 0,
    readErrors: 0,
    writeErrors: 0,
    verifyErrors: 0,
  }
}

/** 2 to the power of this in blocks are a threshold set, by which room is told (SBC-3 4.7.3.8): one MiB. */
export function thresholdExponent(blockLength: number): number {
  return Math.log2((1 << 20) / blockLength)
}

/** Of the room of a file others may take, too (SBC-3 6.3.4.2): its file system's. */
const Scope = { DEDICATED: 1, SHARED: 2 } as const
const UNKNOWN_TEMPERATURE = 0xff

interface ResettablePage extends LoggedPage {
  /** Counters begin at 0 again. */
  reset(): void
}

/** The log pages of a disk. */
export class DiskLog {
  readonly #core: DiskCore
  readonly #pages: readonly ResettablePage[]
  /** Asked of the backing before it is told. */
  #usage: BackingUsage | undefined

  constructor(core: DiskCore) {
    this.#core = core
    this.#pages = [
      this.#errors(WRITE_ERRORS, ({ writtenBytes, otherWrittenBytes, writeErrors }) => ({
        bytesProcessed: BigInt(writtenBytes + otherWrittenBytes),
        uncorrected: BigInt(writeErrors),
      })),
      this.#errors(READ_ERRORS, ({ readBytes, readErrors }) => ({
        bytesProcessed: BigInt(readBytes),
        uncorrected: BigInt(readErrors),
      })),
      this.#errors(VERIFY_ERRORS, ({ verifiedBytes, verifyErrors }) => ({
        bytesProcessed: BigInt(verifiedBytes),
        uncorrected: BigInt(verifyErrors),
      })),
      ...(this.#tellsUsage
        ? [list(PROVISIONING_STATISTICS, () => this.#provisioning(this.#usage))]
        : []),
      this.#statistics(),
      list(INFORMATIONAL_EXCEPTIONS, () => this.#exceptions()),
    ]
  }

  /** LOG SENSE (SPC-4 6.8). */
  sense(task: Task): void {
    const { cdb } = task
    if (this.#tellsUsage && (cdb[2]! & 0x3f) === PROVISIONING_STATISTICS.page) this.#askUsage(task)
    else task.answer(answerLogSense(cdb, this.#pages))
  }

  /**
   * LOG SELECT (SPC-4 6.7): sets counters back, and changes nothing else. Thresholds are 0 in any case. Every other nexus is told.
   */
  select(task: Task): void {
    const { cdb } = task
    const saves = (cdb[1]! & 1) !== 0
    const resets = (cdb[1]! & 2) !== 0
    const control = cdb[2]! >> 6
    const pages = selectedPages(cdb, this.#pages)
    if (getUint16(cdb, 7) !== 0) {
      // Pages name themselves, and nobody else sets a parameter.
      if (((cdb[2]! & 0x3f) | cdb[3]!) !== 0) task.answer(invalidField(2, 5))
      else if (resets) task.answer(invalidField(1, 1))
      else task.answer(illegalRequest(SenseCode.INVALID_FIELD_IN_PARAMETER_LIST))
    } else if ('status' in pages) {
      task.answer(pages)
    } else if (saves && control <= LogPageControl.CUMULATIVE) {
      // With default values, SP is without effect (table 186).
      task.answer(invalidField(1, 0))
    } else {
      if (resets || control === LogPageControl.DEFAULT_CUMULATIVE) {
        for (const page of pages) page.reset()
        this.#core.tellOthers(task, SenseCode.LOG_PARAMETERS_CHANGED)
      }
      task.answer(good())
    }
  }

  get #tellsUsage(): boolean {
    return this.#core.thin && this.#core.backing.usage !== undefined
  }

  #askUsage(task: Task): void {
    let waiting: Task | undefined = task
    task.onAbort = () => {
      waiting = undefined
    }
    const told = (then: (task: Task) => void) => {
      if (waiting === undefined) return
      waiting.onAbort = undefined
      then(waiting)
    }
    this.#core.backing.usage!().then(
      (usage) => {
        this.#usage = usage
        told((same) => same.answer(answerLogSense(same.cdb, this.#pages)))
      },
      ({ errno = 0 }) => told((same) => same.answer(this.#core.failed(Math.abs(errno), 'read'))),
    )
  }

  #errors(
    layout: LogPageLayout<ErrorCounters>,
    values: (counts: DiskCounts) => Partial<ErrorCounters>,
  ): ResettablePage {
    return this.#counters(layout, (counts) => logParameters(layout, values(counts), DATA_COUNTER))
  }

  /**
   * General statistics and performance (SPC-4 7.3.8). No clock is read on the way of a command: no interval is counted, and the length of
   * one, 0 s, says so. Nor does a command weigh by its priority.
   */
  #statistics(): ResettablePage {
    return this.#counters(STATISTICS, (counts) => {
      const { blockLength } = this.#core
      const counters = {
        readCommands: BigInt(counts.readCommands),
        writeCommands: BigInt(counts.writeCommands),
        blocksReceived: BigInt(Math.floor(counts.writtenBytes / blockLength)),
        blocksTransmitted: BigInt(Math.floor(counts.readBytes / blockLength)),
        idleIntervals: 0n,
      }
      return [
        ...logParameters(STATISTICS, counters, DATA_COUNTER),
        ...logParameters(STATISTICS, { intervalExponent: 0, intervalInteger: 0 }, BINARY_LIST),
      ]
    })
  }

  /** A page of counters: it tells what came since it was reset. */
  #counters(
    { page, subpage }: LogPageName,
    parameters: (counts: DiskCounts) => readonly LogParameter[],
  ): ResettablePage {
    let before = noCounts()
    return {
      page,
      subpage,
      parameters: (cumulative) =>
        parameters(cumulative ? since(this.#core.counts, before) : noCounts()),
      reset: () => {
        before = { ...this.#core.counts }
      },
    }
  }

  /** The informational exceptions page tells what REQUEST SENSE does (SPC-4 7.3.10). */
  #exceptions(): LogParameter[] {
    const { exception } = this.#core.mode
    const values = { asc: exception >> 8, ascq: exception & 0xff, temperature: UNKNOWN_TEMPERATURE }
    const [parameter] = logParameters(INFORMATIONAL_EXCEPTIONS, values, BINARY_LIST)
    // A byte of the vendor's own makes it the four that some readers want.
    return [{ ...parameter!, value: Uint8Array.of(...parameter!.value, 0) }]
  }

  #provisioning({ usedBytes, availableBytes }: BackingUsage = NO_USAGE): LogParameter[] {
    const { blocks, blockLength } = this.#core
    const set = blockLength << thresholdExponent(blockLength)
    const sets = (bytes: number) => Math.min(0xffff_ffff, Math.ceil(bytes / set))
    // No more than all blocks can be written.
    const free = Math.max(0, blocks * blockLength - usedBytes)
    const values: ProvisioningStatistics = {
      available: Math.min(sets(free), Math.floor(availableBytes / set)),
      availableScope: Scope.SHARED,
      used: sets(usedBytes),
      usedScope: Scope.DEDICATED,
    }
    return logParameters(PROVISIONING_STATISTICS, values, BINARY_LIST)
  }
}

const NO_USAGE: BackingUsage = { usedBytes: 0, availableBytes: 0 }

/** A page of lists: nothing of it is set back. */
function list(
  { page, subpage }: LogPageName,
  parameters: () => readonly LogParameter[],
): ResettablePage {
  return { page, subpage, parameters, reset: () => {} }
}

function since(counts: DiskCounts, before: DiskCounts): DiskCounts {
  const names = Object.keys(counts) as (keyof DiskCounts)[]
  return Object.fromEntries(
    names.map((name) => [name, counts[name] - before[name]]),
  ) as unknown as DiskCounts
}
