/**
 * What every transport's logical unit does: one suite, run for each.
 *
 *     unitContract('a ring', { blockLength: 512, blocks, open })
 */

import { suite } from '../harness/index.ts'
import { abortRacesContract } from './abort-races.ts'
import { batchContract } from './batch.ts'
import { batchEndsContract } from './batch-ends.ts'
import type { Contract } from './contract.ts'
import { endsContract } from './ends.ts'
import { executeContract } from './execute.ts'
import { functionsContract } from './functions.ts'
import { givingUpContract } from './giving-up.ts'
import { helpersContract } from './helpers.ts'
import { leasesContract } from './leases.ts'
import { loadContract } from './load.ts'
import { orderContract } from './order.ts'
import { pressureContract } from './pressure.ts'

/** Runs the contract of `LogicalUnit` over one transport. */
export function unitContract(name: string, contract: Contract): void {
  const test = suite(name)
  let stop = async () => {}
  test.before(async () => {
    stop = await contract.start()
  })
  executeContract(test, contract)
  helpersContract(test, contract)
  leasesContract(test, contract)
  batchContract(test, contract)
  batchEndsContract(test, contract)
  pressureContract(test, contract)
  orderContract(test, contract)
  functionsContract(test, contract)
  givingUpContract(test, contract)
  abortRacesContract(test, contract)
  endsContract(test, contract)
  loadContract(test, contract)
  test.after(() => stop())
  test.run()
}
