/** Task management on the command line (SAM-5 clause 7): what `sgring abort` and `sgring reset` share. */

import { type FunctionRequest, ServiceResponse, TaskFunction } from '../task/function.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine, nameOf, responseName } from './output.ts'
import { withUnit } from './unit.ts'
import { type Call, CONNECTING, type Option } from './verb.ts'

/** What both verbs take. */
export const MANAGING: Readonly<Record<'join' | 'timeout', Option & { readonly type: 'string' }>> =
  {
    join: {
      type: 'string',
      value: 'TOKEN',
      help: 'the nexus that is meant: what its share() gives, in a process of the same user',
    },
    timeout: {
      ...CONNECTING.timeout,
      help: 'give up when there is no answer in time; default: 5 to connect, then 10',
    },
  }

/** What both tell in their help. */
export const RESPONSES =
  'Prints the service response by its name in SAM-5. The exit code is 0 for FUNCTION COMPLETE and FUNCTION SUCCEEDED, 5 for FUNCTION REJECTED and INCORRECT LOGICAL UNIT NUMBER, 99 for SERVICE DELIVERY OR TARGET FAILURE, and 33 if there is no answer in time.'

const EXIT_CODES: Readonly<Record<ServiceResponse, ExitCode>> = {
  [ServiceResponse.COMMAND_COMPLETE]: ExitCode.MALFORMED,
  [ServiceResponse.SERVICE_DELIVERY_OR_TARGET_FAILURE]: ExitCode.OTHER,
  [ServiceResponse.FUNCTION_COMPLETE]: ExitCode.SUCCESS,
  [ServiceResponse.FUNCTION_SUCCEEDED]: ExitCode.SUCCESS,
  [ServiceResponse.FUNCTION_REJECTED]: ExitCode.ILLEGAL_REQUEST,
  [ServiceResponse.INCORRECT_LOGICAL_UNIT_NUMBER]: ExitCode.ILLEGAL_REQUEST,
}

/** Asks for the function, prints the response, and leaves its exit code. */
export async function manage(call: Call<typeof MANAGING>, request: FunctionRequest): Promise<void> {
  const { join } = call.values
  const { response, reason } = await withUnit(
    call,
    (unit, { timeoutMs }, opened) => {
      // A function cannot be taken back: who does not want to wait for it leaves.
      const leave = () => void opened.close()
      call.signal.addEventListener('abort', leave, { once: true })
      return unit.taskManagement({ ...request, ...(timeoutMs !== undefined && { timeoutMs }) })
    },
    { ...(join !== undefined && { join }) },
  )
  const said = responseName(response)
  const asked = nameOf(TaskFunction, request.function)
  process.stdout.write(
    call.json ? jsonLine({ function: asked, response: said, reason }) : `${said}\n`,
  )
  if (reason !== undefined && !call.json) process.stderr.write(`${reason}\n`)
  process.exitCode =
    isQuery(request) && response === ServiceResponse.FUNCTION_COMPLETE
      ? ExitCode.FALSE
      : EXIT_CODES[response]
}

/** @throws where a nexus must be named and is not: this process's own has neither commands nor anything else to lose */
export function needJoin(call: Call<typeof MANAGING>, option: string): void {
  if (call.values.join !== undefined) return
  throw new CliError(
    ExitCode.SYNTAX,
    `${option} needs --join TOKEN, to say whose: what share() of that nexus gives`,
  )
}

function isQuery({ function: asked }: FunctionRequest): boolean {
  return asked === TaskFunction.QUERY_TASK || asked === TaskFunction.QUERY_TASK_SET
}
