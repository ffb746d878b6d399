/** What a target keeps of an I_T nexus (SAM-5 4.7, 5.14). */

import { SenseCode } from '../scsi/sense-code.ts'
import type { TargetNexus } from '../task/task.ts'
import type { Unit } from './unit.ts'

/** What is kept of one nexus at one logical unit: an I_T_L nexus. */
export interface NexusUnit {
  /** ASC and ASCQ of the pending unit attention condition, or 0 for none. */
  attention: number
}

/** One nexus. What it keeps for a unit is made when the unit is first addressed: thousands of units cost nothing until then. */
export class Nexus implements TargetNexus {
  readonly id: number
  /** The unit that was addressed last, if nothing unusual stood between it and its next command: the one that needs no look-up. */
  quietUnit: Unit | undefined = undefined
  /** The first four LUN bytes that named `quietUnit`. */
  quietWord = 0
  readonly #units = new Map<number, NexusUnit>()

  constructor(id: number) {
    this.id = id
  }

  /**
   * The state of this nexus at the unit of `lun`. A new one begins with the unit attention that every new nexus gets. 29h 00h rather than
   * 29h 01h POWER ON OCCURRED: the unit may have been up for days, and of power on, hard reset and nexus loss this initiator cannot
   * know, so the code that covers all of them is the true one (SAM-5 5.14).
   */
  at(lun: number): NexusUnit {
    let state = this.#units.get(lun)
    if (state === undefined) {
      state = { attention: SenseCode.POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED }
      this.#units.set(lun, state)
    }
    return state
  }

  close(): void {
    this.quietUnit = undefined
    this.#units.clear()
  }
}
