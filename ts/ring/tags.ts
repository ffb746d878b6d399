/**
 * Who names which tasks. A pair's own tags say which pair and slot a task is in, and how often there was another: a slot has one task at a
 * time, so they never meet, and the target finds a task by its tag without looking through others.
 *
 *     high   1 | the pair's number in its nexus       low   count 20 bits | slot 12 bits
 */

/** The upper half of all tags is the pairs' own, so that they never meet a caller's. */
const OWN_TAGS = 0x8000_0000
const SLOT_BITS = 12

/** The high half of the tags that the pair with this number in its nexus chooses. */
export function ownTagHigh(pair: number): number {
  return (OWN_TAGS | pair) >>> 0
}

/** The low half of the tag that a task in this slot gets; a count that goes on with each. */
export function ownTagLow(slot: number, count: number): number {
  return ((count << SLOT_BITS) | slot) >>> 0
}

/** The slot of a task by the low half of its own tag. */
export function slotOfTag(low: number): number {
  return low & ((1 << SLOT_BITS) - 1)
}
