/** The verbs, in the order in which the help lists them. */

import { abort } from './abort.ts'
import { admin } from './admin.ts'
import { bench } from './bench.ts'
import { completionOf } from './completion.ts'
import { copy } from './copy.ts'
import { doctor } from './doctor.ts'
import { inquiry } from './inquiry.ts'
import { list } from './list.ts'
import { logs } from './logs.ts'
import { luns } from './luns.ts'
import { modes } from './modes.ts'
import { opcodes } from './opcodes.ts'
import { raw } from './raw.ts'
import { read } from './read.ts'
import { readcap } from './readcap.ts'
import { reset } from './reset.ts'
import { sense } from './sense.ts'
import { serve } from './serve.ts'
import { stat } from './stat.ts'
import { turs } from './turs.ts'
import { unmap } from './unmap.ts'
import type { Verb } from './verb.ts'
import { verify } from './verify.ts'
import { write } from './write.ts'

/** Verbs that stand together in the help. */
export interface VerbGroup {
  readonly title: string
  readonly verbs: readonly Verb[]
}

export const groups: readonly VerbGroup[] = [
  { title: 'see what there is', verbs: [list, luns, stat] },
  { title: 'ask a unit', verbs: [inquiry, readcap, turs, sense, modes, logs, opcodes] },
  { title: 'move data', verbs: [read, write, copy, verify, unmap] },
  { title: 'measure', verbs: [bench] },
  { title: 'send any command', verbs: [raw] },
  { title: 'end what hangs', verbs: [abort, reset] },
  { title: 'serve units', verbs: [serve, admin] },
  { title: 'about this machine', verbs: [doctor, completionOf(() => verbs)] },
]

export const verbs: readonly Verb[] = groups.flatMap(({ verbs }) => verbs)
