/** The torture, in a process of its own. */

import { torture } from './main.ts'

process.exitCode = await torture(process.argv.slice(2))
