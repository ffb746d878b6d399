/** Enclosures (SES-3). */

export {
  type AdditionalElementStatus,
  additionalElementStatus,
  type ElementIndices,
  elementAt,
  Protocol,
  type SasDeviceSlot,
  type SasExpander,
  type SasPhy,
  type SasPort,
  type SasRoles,
} from './additional-status.ts'
export {
  type Configuration,
  configuration,
  type ElementPlace,
  type ElementTypeDescriptor,
  type Enclosure,
  elementPlaces,
} from './configuration.ts'
export {
  type DiagnosticOptions,
  DiagnosticPage,
  Opcode,
  receiveDiagnosticPage,
  sendDiagnosticPage,
  supportedDiagnosticPages,
} from './diagnostic.ts'
export type { ArrayStatus, Reading, SlotStatus } from './element.ts'
export { type ElementDescriptor, elementDescriptors } from './element-descriptor.ts'
export { ElementStatusCode, ElementType, elementTypeName } from './element-type.ts'
export { type SlotControl, slotControl } from './slot-control.ts'
export {
  type Element,
  type ElementControl,
  type EnclosureControlOptions,
  type EnclosureStatus,
  enclosureControl,
  enclosureStatus,
} from './status.ts'
