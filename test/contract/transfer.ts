/** `ArrayBuffer.prototype.transfer` (ECMAScript 2024), which Node 20 has behind a flag of V8. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const SOURCE = 'ArrayBuffer.prototype.transfer'

function found(): (this: ArrayBuffer) => ArrayBuffer {
  const own = runInNewContext(SOURCE)
  if (own !== undefined) return own
  setFlagsFromString('--harmony-rab-gsab-transfer')
  return runInNewContext(SOURCE)
}

const transfer = found()

/** Moves the bytes under `view` to a buffer of their own: all other views of them have length 0. */
export function transferred(view: Uint8Array): Uint8Array {
  return new Uint8Array(transfer.call(view.buffer as ArrayBuffer))
}
