/** The protocol specific port log page of SAS (SPL-3 9.2.8.1). */

import { getUint32, getUint64, needBytes } from './bytes.ts'
import type { LogPage, LogParameter } from './log.ts'

/** PROTOCOL IDENTIFIER of SAS (SPC-4 7.6.1). */
const SAS = 6
const PORT_HEADER = 4
const PHY = 48

export interface SasPhy {
  readonly phyIdentifier: number
  readonly attachedDeviceType: number
  readonly attachedReason: number
  readonly reason: number
  /** NEGOTIATED LOGICAL LINK RATE: 8 is 1.5 Gbit/s, and each more twice as fast. */
  readonly linkRate: number
  readonly sasAddress: bigint
  readonly attachedSasAddress: bigint
  readonly attachedPhyIdentifier: number
  readonly invalidDwords: number
  readonly runningDisparityErrors: number
  readonly lossesOfDwordSynchronization: number
  readonly phyResetProblems: number
}

/** A port of whichever protocol. */
export interface PortLog {
  readonly relativeTargetPort: number
  readonly protocol: number
  /** Of a SAS port. */
  readonly phys: readonly SasPhy[]
  /** What follows PROTOCOL IDENTIFIER, of a port of another protocol. */
  readonly other: Uint8Array | undefined
}

/** Protocol specific port: every port, those of SAS with their phys. */
export function readPortLog({ parameters }: LogPage): readonly PortLog[] {
  return parameters.map(portOf)
}

function portOf({ code, value }: LogParameter): PortLog {
  needBytes('a port of the protocol specific port log page', value, 1)
  const protocol = value[0]! & 0xf
  const port = { relativeTargetPort: code, protocol }
  if (protocol !== SAS) return { ...port, phys: [], other: value.slice(1) }
  needBytes('a SAS port', value, PORT_HEADER)
  const phys: SasPhy[] = []
  let at = PORT_HEADER
  for (let left = value[3]!; left > 0; left--) {
    const phy = value.subarray(at)
    needBytes('a SAS phy', phy, PHY)
    phys.push(phyOf(phy))
    // The descriptor says its length, without which it is SAS-1's, of 48 bytes.
    at += Math.max(PHY, 4 + phy[3]!)
  }
  return { ...port, phys, other: undefined }
}

function phyOf(phy: Uint8Array): SasPhy {
  return {
    phyIdentifier: phy[1]!,
    attachedDeviceType: (phy[4]! >> 4) & 7,
    attachedReason: phy[4]! & 0xf,
    reason: phy[5]! >> 4,
    linkRate: phy[5]! & 0xf,
    sasAddress: getUint64(phy, 8),
    attachedSasAddress: getUint64(phy, 16),
    attachedPhyIdentifier: phy[24]!,
    invalidDwords: getUint32(phy, 32),
    runningDisparityErrors: getUint32(phy, 36),
    lossesOfDwordSynchronization: getUint32(phy, 40),
    phyResetProblems: getUint32(phy, 44),
  }
}
