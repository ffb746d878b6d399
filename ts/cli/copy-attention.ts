/** What a unit that is copied from, or to, says of itself meanwhile. After some of it the copy cannot go on. */

import { tellsOfOtherMedium, tellsOfPowerOn } from '../initiator/loss.ts'
import { CheckConditionError, senseText } from '../initiator/status-error.ts'
import type { Sense } from '../scsi/sense.ts'

/** Hears of the unit attention conditions of one end. */
export class Attentions {
  readonly #name: string
  #isKnown = false
  #isWritten = false

  /** @param name of the unit */
  constructor(name: string) {
    this.#name = name
  }

  /** It was looked at: from now on it is to be the same. */
  known(): void {
    this.#isKnown = true
  }

  /** From now on something may be in its cache alone, which a power failure takes. */
  written(): void {
    this.#isWritten = true
  }

  /** @throws where the copy cannot go on */
  readonly heard = (sense: Sense): void => {
    if (this.#isKnown && tellsOfOtherMedium(sense))
      throw this.#error(sense, 'its medium may be another one now')
    if (this.#isWritten && tellsOfPowerOn(sense))
      throw this.#error(sense, 'what was written may be lost that was not on its medium yet')
  }

  #error(sense: Sense, what: string): CheckConditionError {
    return new CheckConditionError(sense, `${this.#name}: ${senseText(sense)}: ${what}`)
  }
}
