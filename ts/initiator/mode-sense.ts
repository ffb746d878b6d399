/** What a unit's mode parameters say, whichever MODE SENSE it knows. */

import { SgringError } from '../errors.ts'
import {
  type ModeParameters,
  type ModeSenseOptions,
  modeSense6,
  modeSense10,
} from '../scsi/mode.ts'
import { CACHING } from '../scsi/mode-block.ts'
import { readModePage } from '../scsi/mode-page.ts'
import { isNoCommand, isRefused } from './refused.ts'
import type { HelperOptions, LogicalUnit } from './unit.ts'

type Unit = Pick<LogicalUnit, 'run'>

/** Mode parameters by MODE SENSE(10), or by (6) where that is all there is. */
export async function modeSense(
  unit: Unit,
  wanted: ModeSenseOptions,
  options?: HelperOptions,
): Promise<{ readonly parameters: ModeParameters; readonly form: 6 | 10 }> {
  try {
    return { parameters: await unit.run(modeSense10(wanted), options), form: 10 }
  } catch (error) {
    if (!isNoCommand(error)) throw error
    return { parameters: await unit.run(modeSense6(wanted), options), form: 6 }
  }
}

/** Whether the Caching page says that what was written may be in a volatile cache only (SBC-3 6.4.5). A unit may have no such page, or send none that makes sense. */
export async function saysWriteCache(unit: Unit, options?: HelperOptions): Promise<boolean> {
  try {
    const { parameters } = await modeSense(unit, { page: CACHING.page }, options)
    const page = parameters.pages.find(
      ({ page, subpage }) => page === CACHING.page && subpage === CACHING.subpage,
    )
    return page !== undefined && readModePage(CACHING, page).wce
  } catch (error) {
    const isNonsense = error instanceof SgringError && error.code === 'ERR_SGRING_RESPONSE'
    if (isNonsense || isRefused(error)) return false
    throw error
  }
}
