/** What the package exports, and nothing else. */

export { CODES, SgringError, type SgringErrorCode, TransportError } from './errors.ts'
export type { Completion, Queue, QueueOptions } from './initiator/queue.ts'
export { CheckConditionError, ScsiStatusError } from './initiator/status-error.ts'
export type { TransportEvents } from './initiator/transport.ts'
export type {
  HelperOptions,
  LogicalUnit,
  ReadRange,
  UnitOptions,
  WriteRange,
} from './initiator/unit.ts'
export { type OpenedNode, type OpenedUnit, type OpenOptions, open } from './open.ts'
export type { ConnectOptions, RecoveryOptions } from './ring/connect.ts'
export { connect, type Nexus, type NexusFunctionRequest } from './ring/nexus.ts'
export type { PortEvents, PortOptions, PortStats, RefusedPeer } from './ring/port.ts'
export type { NexusInfo } from './ring/port-nexus.ts'
export type { PairStats } from './ring/stats.ts'
export * from './scsi/index.ts'
export { type ServeOptions, type Server, type ServerStats, serve } from './serve.ts'
export type { DeviceUse } from './sg/device-uses.ts'
export {
  type Device,
  type DeviceAddress,
  type DeviceNodes,
  type DeviceTransport,
  type DiscoveryOptions,
  type FoundDevice,
  findDevice,
  listDevices,
} from './sg/discovery.ts'
export { KernelNode, type NodeTransport } from './sg/node.ts'
export { NodeError } from './sg/node-error.ts'
export type { CommandRules, NodeKind, OpcodeRule } from './sg/opcodes.ts'
export { type NodeOptions, openNode } from './sg/open.ts'
export type { ResetOptions, ResetScope } from './sg/reset.ts'
export { type FoundTransportNode, listTransportNodes } from './sg/transport-nodes/discovery.ts'
export * as experimental from './sg/transport-nodes/experimental.ts'
export type { TransportKind } from './sg/transport-nodes/kind.ts'
export type { TransportBytes, TransportMessage } from './sg/transport-nodes/message.ts'
export {
  type TransportNode,
  TransportNodeError,
  type TransportOptions,
  type TransportReply,
  type TransportRequest,
} from './sg/transport-nodes/node.ts'
export { openTransport } from './sg/transport-nodes/open.ts'
export * as smp from './sg/transport-nodes/smp.ts'
export {
  type BackingOptions,
  type FileBackingOptions,
  type KeptMemory,
  type MemoryBackingOptions,
  type OpenBacking,
  openBacking,
} from './target/backing.ts'
export type { BasicUnitOptions } from './target/basic-unit.ts'
export { Disk, type DiskOptions } from './target/disk.ts'
export type { DiskModeOptions, DiskModeValues } from './target/disk-mode.ts'
export type { Handler, HandlerHooks, HandlerStats, HandlerTask } from './target/handler.ts'
export { type PassThroughOptions, passThrough } from './target/pass-through.ts'
export type { ProgressOptions } from './target/progress.ts'
export type { Extent, Repetition } from './target/repetition.ts'
export type {
  DiskUnitOptions,
  HandlerUnitOptions,
  OwnUnitOptions,
  ServedUnit,
} from './target/served-unit.ts'
export type { TaskSetOptions, Unit, UnitContext } from './target/unit.ts'
export { type Answer, checkCondition, good, status } from './task/answer.ts'
export { type Command, type Response, Status, TaskAttribute } from './task/command.ts'
export { COUNTERS_PAGE, type TargetCounters, targetCounters } from './task/counters.ts'
export {
  type AsynchronousEvent,
  type FunctionRequest,
  type FunctionResult,
  ServiceResponse,
  TaskFunction,
} from './task/function.ts'
export type {
  Background,
  Backing,
  BackingOperation,
  BackingRange,
  BackingUsage,
  OperationDone,
  TargetNexus,
  Task,
  TaskOwner,
  Traffic,
  TransferDone,
} from './task/task.ts'
