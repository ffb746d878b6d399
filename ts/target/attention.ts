/**
 * Unit attention conditions of one I_T nexus (SAM-5 5.14): which are pending at which unit, and which is told next.
 *
 * A unit that the nexus never addressed costs nothing: the first condition that is told there is 29h 00h, which stands for all before. From
 * then on a unit is one bit, and one more in each condition that was ever pending at any unit: 16,384 units take 2 KiB each.
 */

import { SenseCode } from '../scsi/sense-code.ts'
import { LunSet } from './lun-set.ts'

/** Power on, resets and nexus loss. */
const RESET_ASC = 0x29

/** One condition, and where it is pending. */
interface Condition {
  readonly code: number
  readonly rank: number
  readonly luns: LunSet
}

export class Attentions {
  /** Units where 29h 00h has been told, or taken back. */
  readonly #told = new LunSet()
  /** In the order in which they are told. */
  #conditions: readonly Condition[] = []

  /**
   * ASC and ASCQ of the condition that is told next at a unit, or 0 for none. The first is 29h 00h rather than 29h 01h POWER ON OCCURRED:
   * the unit may have been up for days, and of power on, hard reset and nexus loss this initiator cannot know, so the code that covers all
   * of them is the true one.
   */
  next(lun: number): number {
    if (!this.#told.has(lun)) return SenseCode.POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED
    for (const { code, luns } of this.#conditions) if (luns.has(lun)) return code
    return 0
  }

  /** Whether more than one is pending at a unit. */
  hasMore(lun: number): boolean {
    const pending = this.#conditions.filter(({ luns }) => luns.has(lun)).length
    return pending > (this.#told.has(lun) ? 1 : 0)
  }

  /** Clears the one that is told next: it has been told. */
  clearNext(lun: number): void {
    const next = this.next(lun)
    if (this.#told.has(lun)) this.#drop(lun, ({ code }) => code === next)
    else this.#told.add(lun)
  }

  /** A condition comes up at a unit: once only, and it may clear others. */
  establish(lun: number, code: number): void {
    if (!this.#told.has(lun)) return
    if (code >>> 8 === RESET_ASC) this.#drop(lun, (each) => clears(code, each.code))
    this.#condition(code).luns.add(lun)
  }

  /** A condition is told behind 29h 00h, where that is still to be told: the nexus knew the unit before its target was there. */
  establishBehind(lun: number, code: number): void {
    this.#condition(code).luns.add(lun)
  }

  /** A condition comes up at every unit. */
  establishEverywhere(code: number): void {
    this.#conditions = this.#conditions.filter((each) => !clears(code, each.code))
    this.#condition(code).luns.addAll(this.#told)
  }

  /** A condition is over at every unit, told or not. */
  clearEverywhere(code: number): void {
    this.#conditions = this.#conditions.filter((each) => each.code !== code)
  }

  /** There is no unit at this LUN any more: one that comes there later is a new one. */
  forget(lun: number): void {
    this.#told.delete(lun)
    this.#drop(lun, () => true)
  }

  /** Bytes that all of it takes, give or take the objects around it. */
  get lengthBytes(): number {
    return this.#conditions.reduce(
      (sum, { luns }) => sum + luns.lengthBytes,
      this.#told.lengthBytes,
    )
  }

  /** Conditions that are pending nowhere any more are not kept: there are as many codes as anybody cares to establish. */
  #drop(lun: number, isOne: (condition: Condition) => boolean): void {
    const dropped = this.#conditions.filter((each) => each.luns.has(lun) && isOne(each))
    for (const { luns } of dropped) luns.delete(lun)
    if (dropped.some(({ luns }) => luns.isEmpty)) {
      this.#conditions = this.#conditions.filter(({ luns }) => !luns.isEmpty)
    }
  }

  #condition(code: number): Condition {
    const found = this.#conditions.find((each) => each.code === code)
    if (found !== undefined) return found
    const condition = { code, rank: rankOf(code), luns: new LunSet() }
    const later = this.#conditions.findIndex(({ rank }) => rank > condition.rank)
    const at = later < 0 ? this.#conditions.length : later
    this.#conditions = [...this.#conditions.slice(0, at), condition, ...this.#conditions.slice(at)]
    return condition
  }
}

/** Those that SAM-5 5.14 ranks, the highest first; where it ranks two the same, a condition of its own stands before a reset. */
const RANKED: readonly number[] = [
  SenseCode.POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED,
  SenseCode.POWER_ON_OCCURRED,
  SenseCode.DEVICE_INTERNAL_RESET,
  SenseCode.MICROCODE_HAS_BEEN_CHANGED,
  SenseCode.SCSI_BUS_RESET_OCCURRED,
  SenseCode.BUS_DEVICE_RESET_FUNCTION_OCCURRED,
  SenseCode.I_T_NEXUS_LOSS_OCCURRED,
  SenseCode.COMMANDS_CLEARED_BY_POWER_LOSS_NOTIFICATION,
]

const NEXUS_LOSS_RANK = RANKED.indexOf(SenseCode.I_T_NEXUS_LOSS_OCCURRED)

/**
 * Whether a condition that comes up clears one that is pending (SAM-5 5.14 allows it): a reset clears all that it outranks, because the unit
 * has begun anew. The loss of a nexus leaves the unit as it was, so what is to be told of that, such as a changed capacity, stays.
 */
function clears(code: number, pending: number): boolean {
  const rank = RANKED.indexOf(code)
  if (code >>> 8 !== RESET_ASC || rank < 0) return false
  return rankOf(pending) > rank && (rank < NEXUS_LOSS_RANK || RANKED.includes(pending))
}

/** The lowest is told first. The order of the rest is the unit's to choose: that of their codes needs no memory of when each came. */
function rankOf(code: number): number {
  const rank = RANKED.indexOf(code)
  return rank >= 0 ? rank : RANKED.length + code
}
