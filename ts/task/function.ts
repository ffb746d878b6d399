/** Task management (SAM-5 clause 7): functions, and how they are answered. */

/** Task management functions (SAM-5 7.1), by the codes that RFC 7143 11.5.1 and RFC 7144 give them. */
export const TaskFunction = {
  /** One command of this nexus. */
  ABORT_TASK: 1,
  /** Every command of this nexus at the unit. */
  ABORT_TASK_SET: 2,
  /** Ends an auto contingent allegiance. */
  CLEAR_ACA: 3,
  /** Every command at the unit, of any nexus. */
  CLEAR_TASK_SET: 4,
  /** As CLEAR TASK SET, and the unit begins anew (SAM-5 6.3.3). */
  LOGICAL_UNIT_RESET: 5,
  /** Whether one command of this nexus is in the task set. */
  QUERY_TASK: 9,
  /** Whether any command of this nexus is in the task set. */
  QUERY_TASK_SET: 10,
  /** Every command of this nexus, at all units, as if the nexus had been lost (SAM-5 6.3.4). */
  I_T_NEXUS_RESET: 11,
  /** Whether a unit attention condition is pending for this nexus at the unit. */
  QUERY_ASYNCHRONOUS_EVENT: 12,
} as const
export type TaskFunction = (typeof TaskFunction)[keyof typeof TaskFunction]

/** Service responses (SAM-5 5.1 and 7.1). They go over the ring in the low four bits of a completion's flags. */
export const ServiceResponse = {
  /** A command ended with a status. */
  COMMAND_COMPLETE: 0,
  /** Neither: the target could not carry it out. */
  SERVICE_DELIVERY_OR_TARGET_FAILURE: 1,
  /** A function was carried out, or had nothing to do. Of a query: no. */
  FUNCTION_COMPLETE: 3,
  /** Of a query: yes. */
  FUNCTION_SUCCEEDED: 4,
  /** The function is not supported, or its request was wrong. */
  FUNCTION_REJECTED: 5,
  /** There is no unit with this LUN. */
  INCORRECT_LOGICAL_UNIT_NUMBER: 6,
} as const
export type ServiceResponse = (typeof ServiceResponse)[keyof typeof ServiceResponse]

/**
 * What a completion says in place of a service response for a command that a task management function ended without a status: SAM-5 gives
 * such a command no response at all, but a ring tells its end, because only then are its slot and bytes the initiator's again.
 */
export const ENDED_WITHOUT_RESPONSE = 2

/**
 * What a completion says in place of a service response for a command that an earlier target had begun and not answered: what of it was done
 * is not known. It may be submitted again, to be carried out again.
 */
export const OUTCOME_UNKNOWN = 7
/** The same, of a command that must not be carried out again: a later one has begun to change what it was to change. */
export const OVERTAKEN = 8

/** How a task management function was answered. */
export interface FunctionResult {
  readonly response: ServiceResponse
  /** QUERY ASYNCHRONOUS EVENT that succeeded: the unit attention condition that would be told next (SAM-5 7.10). */
  readonly event?: AsynchronousEvent
  /** Why a kernel node rejected it, in words: nothing was asked of the device then. */
  readonly reason?: string
}

/** The Additional Response Information of QUERY ASYNCHRONOUS EVENT. */
export interface AsynchronousEvent {
  readonly senseKey: number
  readonly asc: number
  readonly ascq: number
  /** Whether more than this one is pending. */
  readonly more: boolean
}

/** A task management function, as it is asked for. */
export interface FunctionRequest {
  readonly function: TaskFunction
  /** ABORT TASK and QUERY TASK: the tag of the command that is meant, as it was chosen or as `Queue.tag()` tells it. */
  readonly tag?: number | bigint
  /** Milliseconds until `ERR_SGRING_ABORT_UNANSWERED`; 0 is never. Default: the nexus's `abortTimeoutMs`. */
  readonly timeoutMs?: number
  /**
   * Gives the function up: the call rejects with `signal.reason`. Aborted before the function leaves, nothing is sent; one that has left cannot
   * be taken back, and is carried out all the same.
   */
  readonly signal?: AbortSignal
}
