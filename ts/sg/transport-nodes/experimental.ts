/**
 * Messages to transport nodes of which nothing is tested but the bytes, and FC: their names and shapes may change in any release.
 */

export * as fc from './fc.ts'
export * as iscsi from './iscsi.ts'
export type { BsgReplyHeader } from './message.ts'
export * as mpi3mr from './mpi3mr.ts'
export * as ufs from './ufs.ts'
