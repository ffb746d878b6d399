/** All suites of cases. */

import type { Suite } from './cases/case.ts'
import { RINGS } from './cases/index.ts'
import { SUITES as KERNEL } from './kernel/suite.ts'

export const SUITES: readonly Suite[] = [RINGS, ...KERNEL]
