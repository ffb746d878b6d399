/** One command there and back in Rust, with neither JavaScript nor sleep, against a word there and back. */

import { NativeContestants } from '../native.ts'
import type { Case } from './case.ts'

export const nativeTrip: Case = {
  name: 'native-trip',
  what: 'one TEST UNIT READY at a time, two threads, CDB read and entry validated',
  bytes: 0,
  async open({ placement, nativeProgram }) {
    const { here, there } = placement
    const args = ['trips', String(here), String(there)]
    const native = new NativeContestants(nativeProgram, args)
    return {
      contestants: [native.contestant('ring'), native.contestant('ping-pong')],
      close: () => native.close(),
    }
  },
}
