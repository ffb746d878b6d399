/** The verbs, in the order in which the help lists them. */

import { abort } from './abort.ts'
import { inquiry } from './inquiry.ts'
import { read } from './read.ts'
import { readcap } from './readcap.ts'
import { reset } from './reset.ts'
import { serve } from './serve.ts'
import { stat } from './stat.ts'
import { turs } from './turs.ts'
import type { Verb } from './verb.ts'
import { write } from './write.ts'

export const verbs: readonly Verb[] = [
  serve,
  inquiry,
  readcap,
  turs,
  read,
  write,
  abort,
  reset,
  stat,
]
