/** What this process is confined to. The kernel tells its privileges and capabilities; of its fence it knows from before it was started anew. */

import { readFileSync } from 'node:fs'
import { native } from '../../native.ts'
import { hasNoNewPrivs, isConfined } from './marker.ts'

/** What is shown of it. */
export interface Confinement {
  /** The version of Landlock by which its files are fenced; 0 is no fence. */
  readonly landlock: number
  readonly no_new_privs: boolean
  /** Capabilities that it has. */
  readonly capabilities: readonly string[]
}

/** Of this process. */
export function confinement(): Confinement {
  const status = readFileSync('/proc/self/status', 'utf8')
  return {
    landlock: isConfined() ? native().landlockAbi() : 0,
    no_new_privs: hasNoNewPrivs(),
    capabilities: capabilityNames(/^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'),
  }
}

/** In a line. */
export function confinementText({ landlock, no_new_privs, capabilities }: Confinement): string {
  const kept = capabilities.map((name) => {
    const why = WHY_KEPT[name]
    return why === undefined ? name : `${name} ${why}`
  })
  // All of them, but for a few that a container has taken.
  const many = kept.length > 8 ? `${kept.length} capabilities` : kept.join(', ')
  return [
    landlock === 0
      ? 'files: all that its user may open'
      : `files: its own, by Landlock ABI ${landlock}`,
    `new privileges: ${no_new_privs ? 'none' : 'by execve'}`,
    `capabilities: ${many || 'none'}`,
  ].join('; ')
}

/** Why a server keeps one. */
export const WHY_KEPT: Readonly<Record<string, string>> = {
  CAP_CHOWN: 'to give its socket to an owner and a group',
  CAP_DAC_OVERRIDE: "for a file, or a socket's folder, that this user may not write",
  CAP_DAC_READ_SEARCH: 'for a file that this user may not read',
  CAP_SYS_ADMIN: 'for resets of its device',
  CAP_SYS_RAWIO: "for all commands of its device, past the kernel's filter",
}

/** @param mask in hexadecimal, as proc_pid_status(5) has it */
export function capabilityNames(mask: string): string[] {
  const bits = BigInt(`0x${mask}`)
  return NAMES.filter((_, bit) => ((bits >> BigInt(bit)) & 1n) === 1n).map((name) => `CAP_${name}`)
}

/** By their numbers (include/uapi/linux/capability.h). */
const NAMES = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT ' +
  'SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP ' +
  'MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ')
