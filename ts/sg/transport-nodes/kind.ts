/** What is behind a bsg node that is no device's, by the name that the kernel gives it. */

/** What is behind a node, by its name. */
export type TransportKind =
  | 'fc-host'
  | 'fc-rport'
  | 'iscsi-host'
  | 'mpi3mr'
  | 'other'
  | 'sas-end-device'
  | 'sas-expander'
  | 'sas-host'
  | 'ufs'

const NAMES: readonly (readonly [RegExp, TransportKind])[] = [
  [/^sas_host\d+$/, 'sas-host'],
  [/^end_device-/, 'sas-end-device'],
  [/^expander-/, 'sas-expander'],
  [/^ufs-bsg/, 'ufs'],
  [/^mpi3mrctl\d+$/, 'mpi3mr'],
  [/^fc_host\d+$/, 'fc-host'],
  [/^rport-/, 'fc-rport'],
  [/^iscsi_host\d+$/, 'iscsi-host'],
]

const DEVICE = /^\d+:\d+:\d+:\d+$/

/** The kind of a bsg node; undefined for that of a logical unit. */
export function transportKind(name: string): TransportKind | undefined {
  if (DEVICE.test(name)) return undefined
  return NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other'
}
