/**
 * Every error that sgring makes, and the one table of their codes.
 *
 * There are three kinds, and they are never mixed: a SCSI status that a typed helper does not take as success
 * (`ScsiStatusError`, with sense `CheckConditionError`, in `ts/initiator/`); a command without an answer
 * (`TransportError`); and a call that was wrong before anything was sent (`SgringError`).
 * Match `error.code`, not `instanceof`: two copies of a package have two classes.
 */

/** What each code means, and what to do. The README's table is held against this one by a test. */
export const CODES = {
  ERR_SGRING_ABORTED:
    'a task management function ended the command without a status (SAM-5 5.1); its outcome is unknown',
  ERR_SGRING_ABORT_UNANSWERED:
    'the target did not answer a task management function, or end an aborted command, within abortTimeoutMs',
  ERR_SGRING_ADDRESS:
    'the address is none of ring:NAME, ring:NAME/LUN, ring:/path.sock, ring:/path.sock?lun=N, /dev/…',
  ERR_SGRING_ADDRESS_IN_USE:
    'another target already serves this socket; stop it, or listen elsewhere',
  ERR_SGRING_ARENA_TOO_SMALL:
    'the command moves more bytes than the nexus arena holds; raise arenaBytes',
  ERR_SGRING_BACKING: 'the backing file or device cannot be used; see the message',
  ERR_SGRING_BUSY:
    'more than maxWaiting commands already wait for a slot or arena space, or a unit is in use; see the message',
  ERR_SGRING_CDB_LENGTH: 'a CDB has 6 to 260 bytes (SPC-5 4.2)',
  ERR_SGRING_CHECK_CONDITION: 'the command ended in CHECK CONDITION; see senseKey, asc and ascq',
  ERR_SGRING_CLOSED: 'the object was closed before this call',
  ERR_SGRING_CONNECT: 'the socket could not be connected; see cause',
  ERR_SGRING_DELIVERY:
    'service delivery or target failure (SAM-5 5.1): the target could not carry the command out',
  ERR_SGRING_FEATURE:
    'the peer requires a feature that this side does not know; upgrade the older side',
  ERR_SGRING_HANDSHAKE: 'the peer did not speak sgring: wrong magic, or its answer was cut short',
  ERR_SGRING_HOST_STATUS:
    'the host adapter or the kernel ended the command without an answer of the device; see hostStatus',
  ERR_SGRING_INVALID_ARGUMENT:
    'an argument has a wrong type or lies outside its range; see the message',
  ERR_SGRING_JOIN: 'the join token names no nexus of this target, or one of another user',
  ERR_SGRING_LIMIT:
    'the target serves as many nexuses or pairs as it may, of all or of this user, or none so large; or this user connects too fast',
  ERR_SGRING_NATIVE_MISSING:
    'the native library for this platform is not installed; see cause for what was tried',
  ERR_SGRING_NEXUS_LOST:
    'the target went away, broke the protocol, or this side closed the nexus; see the message',
  ERR_SGRING_NODE_BUSY: 'somebody else has the node for himself; wait, or open without exclusive',
  ERR_SGRING_NODE_DENIED: 'the node may not be opened by this user; see the message',
  ERR_SGRING_NOT_A_SOCKET: 'the path exists and is no socket; it was left alone',
  ERR_SGRING_NOT_PERMITTED:
    'the kernel lets this process not send the command through this node; see the message',
  ERR_SGRING_NO_DEVICE: 'there is no such device, or it is gone',
  ERR_SGRING_NO_TARGET: 'nobody serves this socket; start the target, or check the path',
  ERR_SGRING_OUTCOME_UNKNOWN:
    'the target died while it carried the command out, and it is not known what of it was done; see the policy of recovery',
  ERR_SGRING_PATH_TOO_LONG: 'a Unix socket path has at most 107 bytes (unix(7)); use a shorter one',
  ERR_SGRING_PEER_NOT_ALLOWED: 'the peer runs as a user that is not allowed here',
  ERR_SGRING_READ_ONLY:
    'the command may change the device, and the node was opened readOnly, or denies it',
  ERR_SGRING_RESPONSE: 'the device answered bytes that its command does not allow; see the message',
  ERR_SGRING_SCSI_STATUS: 'the command ended in a status other than GOOD; see status',
  ERR_SGRING_SEGMENT:
    'the shared segment is not what the handshake says: size, seals or file system',
  ERR_SGRING_SMP_FUNCTION:
    'an expander or adapter did not accept an SMP function; see result and the message',
  ERR_SGRING_SYSTEM: 'a system call failed; see cause and the message',
  ERR_SGRING_TAG_IN_USE: 'another outstanding command of this pair has the same tag',
  ERR_SGRING_TIMEOUT:
    'no answer came within timeoutMs (a command is aborted then) or connectTimeoutMs',
  ERR_SGRING_TRANSFER_LENGTH:
    'the command moves more bytes than the node takes at once; see the message, and split it',
  ERR_SGRING_TRANSPORT: 'the node or the kernel does not offer this transport; see the message',
  ERR_SGRING_UNSUPPORTED: 'no node of this kind offers that; see the message',
  ERR_SGRING_UNSUPPORTED_PLATFORM:
    'sgring needs Linux on x64 or arm64, and memory outside the JavaScript heap',
  ERR_SGRING_VERSION: 'the peer speaks another protocol version; upgrade the older side',
} as const

/** A stable name for what went wrong. */
export type SgringErrorCode = keyof typeof CODES

/** What all errors of sgring have in common: a stable `code`. */
export class SgringError extends Error {
  override readonly name: string = 'SgringError'
  readonly code: SgringErrorCode

  constructor(code: SgringErrorCode, message?: string, options?: ErrorOptions) {
    super(message ?? CODES[code], options)
    this.code = code
  }
}

/** No answer: the nexus was lost, the time was up, or the command was aborted. Its outcome is unknown. */
export class TransportError extends SgringError {
  override readonly name: string = 'TransportError'
}
