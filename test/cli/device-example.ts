/** Whether a line is about a SCSI device of the machine, and so for a guest that has one. */
export function isOfDevice(line: string): boolean {
  return /\/dev\/(bsg\/|sg|sd)/.test(line)
}
