/** The kill points of this process. */

import { type Native, native } from '#dist/native.js'

/** How many kill points were passed, where they are built in. */
export function killPointPasses(): number {
  const counted = native() as Native & { killPointPasses?(): number }
  return counted.killPointPasses?.() ?? 0
}
