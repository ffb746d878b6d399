/**
 * A tiny tape (SSC-3): variable-length blocks and filemarks in memory, one partition, one position for all nexuses.
 *
 *     const tape = new Tape({ capacityBytes: 1 << 20 })
 *     const unit = { deviceType: DeviceType.SEQUENTIAL_ACCESS, removable: true, handler: tape.handler, reset: tape.reset }
 *     const server = await serve({ listen, units: [unit] })
 */

import {
  type Answer,
  checkCondition,
  good,
  type Handler,
  type HandlerTask,
  SenseCode,
  type SenseInit,
  SenseKey,
  ssc,
} from 'sgring'

const FILEMARK = Symbol('filemark')
/** A logical object. */
type Recorded = Uint8Array | typeof FILEMARK

/** A block may have as many bytes as a READ(6) can name. */
const BLOCK_LIMITS = ssc.encodeBlockLimits({ maximum: 0xff_ffff, minimum: 1, granularity: 0 })
/** Room that a filemark takes. */
const FILEMARK_BYTES = 512

/** See above. */
export class Tape {
  readonly #recorded: Recorded[] = []
  readonly #capacityBytes: number
  readonly #earlyWarningBytes: number
  /** The object that is read or written next. */
  #position = 0

  /**
   * @param options.capacityBytes bytes of all blocks together, and 512 for each filemark. Default: 1 MiB
   * @param options.earlyWarningBytes how far before that a WRITE tells that the end is near. Default: 64 KiB
   */
  constructor(
    options: { readonly capacityBytes?: number; readonly earlyWarningBytes?: number } = {},
  ) {
    this.#capacityBytes = options.capacityBytes ?? 1 << 20
    this.#earlyWarningBytes = options.earlyWarningBytes ?? 64 << 10
  }

  /** LOGICAL UNIT RESET: at the beginning of the medium again, as after a load. */
  readonly reset = (): void => {
    this.#position = 0
  }

  /** INQUIRY, TEST UNIT READY and REQUEST SENSE are those of the unit behind. */
  readonly handler: Handler = (task, next) => {
    switch (task.cdb[0]) {
      case ssc.Opcode.REWIND:
        this.#position = 0
        return good()
      case ssc.Opcode.READ_BLOCK_LIMITS:
        return good(BLOCK_LIMITS)
      case ssc.Opcode.READ_6:
        return this.#read(task)
      case ssc.Opcode.WRITE_6:
        return this.#write(task)
      case ssc.Opcode.WRITE_FILEMARKS_6:
        return this.#writeFilemarks(task)
      case ssc.Opcode.SPACE_6:
        return this.#space(task)
      default:
        return next()
    }
  }

  /** One block, or as much of it as was asked for: the position is behind it either way (SSC-3 READ(6)). */
  #read({ cdb }: HandlerTask): Answer {
    // Fixed-length blocks would need a block length, and nobody sets one here.
    const { fixed, sili, length: wanted } = ssc.parseTransferCdb(cdb)!
    if (fixed) return invalidField(1, 0)
    if (wanted === 0) return good()
    const found = this.#recorded[this.#position]
    if (found === undefined) {
      return checkCondition(SenseKey.BLANK_CHECK, ssc.SenseCode.END_OF_DATA_DETECTED, {
        information: wanted,
      })
    }
    this.#position++
    if (found === FILEMARK) return met(ssc.SenseCode.FILEMARK_DETECTED, wanted, { filemark: true })
    const data = found.subarray(0, wanted)
    if (found.length === wanted || sili) return good(data)
    // A difference below zero is told as two's complement.
    const information = (wanted - found.length) >>> 0
    return { ...met(0, information, { incorrectLength: true }), data }
  }

  /** One block. What stood behind it is gone. */
  #write(task: HandlerTask): Answer {
    const { fixed, length } = ssc.parseTransferCdb(task.cdb)!
    if (fixed) return invalidField(1, 0)
    if (length === 0) return good()
    if (task.dataOutLength < length) {
      return checkCondition(
        SenseKey.ILLEGAL_REQUEST,
        SenseCode.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT,
      )
    }
    const left = this.#cut() - length
    if (left < 0) return overflow(length)
    this.#recorded.push(task.dataOut.slice(0, length))
    this.#position++
    return { ...this.#written(left), taken: length }
  }

  #writeFilemarks({ cdb }: HandlerTask): Answer {
    // Setmarks are obsolete.
    if ((cdb[1]! & 0x02) !== 0) return invalidField(1, 1)
    const count = getUint24(cdb)
    if (count === 0) return good()
    const room = this.#cut()
    const written = Math.min(count, Math.floor(room / FILEMARK_BYTES))
    for (let done = 0; done < written; done++) this.#recorded.push(FILEMARK)
    this.#position = this.#recorded.length
    return written < count
      ? overflow(count - written)
      : this.#written(room - written * FILEMARK_BYTES)
  }

  /** What stands behind the position is gone. How many bytes have room there. */
  #cut(): number {
    this.#recorded.length = this.#position
    return this.#recorded.reduce(
      (room, one) => room - (one === FILEMARK ? FILEMARK_BYTES : one.length),
      this.#capacityBytes,
    )
  }

  /** It fits, with room for so many bytes more: when that is little, early warning. */
  #written(room: number): Answer {
    if (room >= this.#earlyWarningBytes) return good()
    return met(ssc.SenseCode.END_OF_PARTITION_MEDIUM_DETECTED, 0, { endOfMedium: true })
  }

  /** Over blocks, or over filemarks and the blocks between them; a negative count goes back. */
  #space({ cdb }: HandlerTask): Answer {
    const { code, count } = ssc.parseSpaceCdb(cdb)!
    switch (code) {
      case ssc.SpaceCode.END_OF_DATA:
        this.#position = this.#recorded.length
        return good()
      case ssc.SpaceCode.LOGICAL_BLOCKS:
      case ssc.SpaceCode.FILEMARKS: {
        const back = count < 0n
        return this.#spaceOver(
          code === ssc.SpaceCode.FILEMARKS,
          Number(back ? -count : count),
          back,
        )
      }
      default:
        return invalidField(1, 3)
    }
  }

  /** INFORMATION has how many were not spaced over. Blocks end at a filemark, which is passed. */
  #spaceOver(filemarks: boolean, count: number, back: boolean): Answer {
    let left = count
    while (left > 0) {
      const passed = this.#recorded[back ? this.#position - 1 : this.#position]
      if (passed === undefined) {
        return back
          ? met(ssc.SenseCode.BEGINNING_OF_PARTITION_MEDIUM_DETECTED, left, { endOfMedium: true })
          : checkCondition(SenseKey.BLANK_CHECK, ssc.SenseCode.END_OF_DATA_DETECTED, {
              information: left,
            })
      }
      this.#position += back ? -1 : 1
      if (passed === FILEMARK && !filemarks)
        return met(ssc.SenseCode.FILEMARK_DETECTED, left, { filemark: true })
      if ((passed === FILEMARK) === filemarks) left--
    }
    return good()
  }
}

/** NO SENSE, for what is no error and must be told all the same. */
function met(ascAscq: number, information: number, more: SenseInit): Answer {
  return checkCondition(SenseKey.NO_SENSE, ascAscq, { ...more, information })
}

/** INFORMATION has how much was not written. */
function overflow(information: number): Answer {
  return checkCondition(SenseKey.VOLUME_OVERFLOW, ssc.SenseCode.END_OF_PARTITION_MEDIUM_DETECTED, {
    endOfMedium: true,
    information,
  })
}

function invalidField(byte: number, bit: number): Answer {
  return checkCondition(SenseKey.ILLEGAL_REQUEST, SenseCode.INVALID_FIELD_IN_CDB, {
    specific: { kind: 'field', byte, bit, inCdb: true },
  })
}

/** The FILEMARK COUNT. */
function getUint24(cdb: Uint8Array): number {
  return (cdb[2]! << 16) | (cdb[3]! << 8) | cdb[4]!
}
