/** What a rival's other side does with a command, where it is no target: the least that there is to do. */

const TEST_UNIT_READY = 0
const GOOD = 0
const CHECK_CONDITION = 2

/** The status. */
export function answer(operationCode: number | undefined): number {
  return operationCode === TEST_UNIT_READY ? GOOD : CHECK_CONDITION
}
