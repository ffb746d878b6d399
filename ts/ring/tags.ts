/** Who names which tasks. */

/** The upper half of all tags is the pairs' own, so that they never meet a caller's. */
const OWN_TAGS = 0x8000_0000

/** The high half of the tags that the pair with this number in its nexus chooses. */
export function ownTagHigh(pair: number): number {
  return (OWN_TAGS | pair) >>> 0
}
