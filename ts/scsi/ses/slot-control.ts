/**
 * The control element of a slot (SES-3 7.3.2, 7.3.3).
 *
 *     0  SELECT 7, PRDFAIL 6, DISABLE 5, RST SWAP 4
 *     1  array device slot: RQST OK 7, RSVD DEVICE 6, HOT SPARE 5, CONS CHECK 4, IN CRIT ARRAY 3, IN FAILED ARRAY 2, REBUILD/REMAP 1, R/R ABORT 0
 *     2  RQST ACTIVE 7, DO NOT REMOVE 6, RQST MISSING 4, RQST INSERT 3, RQST REMOVE 2, RQST IDENT 1
 *     3  RQST FAULT 5, DEVICE OFF 4, ENABLE BYP A 3, ENABLE BYP B 2
 */

import type { ArrayStatus } from './element.ts'

/** What a slot shall do, and its lamps show. What is not named is turned off. */
export interface SlotControl {
  /** RQST IDENT: its lamp, so that somebody finds it. */
  readonly identify?: boolean
  /** RQST FAULT. */
  readonly fault?: boolean
  readonly active?: boolean
  readonly doNotRemove?: boolean
  readonly missing?: boolean
  /** RQST INSERT, RQST REMOVE: ready to be inserted or removed. */
  readonly insert?: boolean
  readonly remove?: boolean
  readonly deviceOff?: boolean
  readonly bypassA?: boolean
  readonly bypassB?: boolean
  readonly predictedFailure?: boolean
  readonly disable?: boolean
  /** RST SWAP: forget that it was replaced. */
  readonly resetSwap?: boolean
  /** Of an array device slot alone. */
  readonly array?: Partial<ArrayStatus>
}

/** The four bytes of the control element, with SELECT. */
export function slotControl(options: SlotControl): Uint8Array {
  const { array = {} } = options
  return Uint8Array.of(
    bits([7, true], [6, options.predictedFailure], [5, options.disable], [4, options.resetSwap]),
    bits(
      [7, array.ok],
      [6, array.reservedDevice],
      [5, array.hotSpare],
      [4, array.consistencyCheck],
      [3, array.inCriticalArray],
      [2, array.inFailedArray],
      [1, array.rebuildRemap],
      [0, array.rebuildRemapAbort],
    ),
    bits(
      [7, options.active],
      [6, options.doNotRemove],
      [4, options.missing],
      [3, options.insert],
      [2, options.remove],
      [1, options.identify],
    ),
    bits([5, options.fault], [4, options.deviceOff], [3, options.bypassA], [2, options.bypassB]),
  )
}

function bits(...set: readonly (readonly [bit: number, on: boolean | undefined])[]): number {
  return set.reduce((byte, [bit, on]) => byte | (on === true ? 1 << bit : 0), 0)
}
