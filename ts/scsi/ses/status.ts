/**
 * The enclosure status page and the enclosure control page (02h, SES-3 6.1.3, 6.1.4): four bytes for every element.
 *
 *     status                                              control
 *     1     INVOP 4, INFO 3, NON-CRIT 2, CRIT 1, UNRECOV 0   INFO 3, NON-CRIT 2, CRIT 1, UNRECOV 0
 *     4..7  GENERATION CODE                               EXPECTED GENERATION CODE
 *     8..   elements                                      elements: SELECT 7, PRDFAIL 6, DISABLE 5, RST SWAP 4 in the first byte
 */

import { SgringError } from '../../errors.ts'
import { badResponse, setUint16, setUint32 } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { type Configuration, type ElementPlace, elementPlaces } from './configuration.ts'
import {
  checkGeneration,
  type DiagnosticOptions,
  DiagnosticPage,
  receiveDiagnosticPage,
  sendDiagnosticPage,
} from './diagnostic.ts'
import { parseDetails, type Reading, type SlotStatus } from './element.ts'

/** How an enclosure is. */
export interface EnclosureStatus {
  /** INVOP: an enclosure control page asked for something that cannot be. */
  readonly invalidOperation: boolean
  /** INFO: something has happened that is worth knowing. */
  readonly information: boolean
  readonly nonCritical: boolean
  readonly critical: boolean
  readonly unrecoverable: boolean
  /** In the order of `elementPlaces()`. */
  readonly elements: readonly Element[]
}

/** How an element is. */
export interface Element extends ElementPlace {
  /** See `ElementStatusCode`. */
  readonly code: number
  readonly predictedFailure: boolean
  readonly disabled: boolean
  /** SWAP: it was replaced since that was reset. */
  readonly swapped: boolean
  /** Slots, sensors and fans. */
  readonly details: SlotStatus | Reading | undefined
  /** All four. */
  readonly bytes: Uint8Array
}

/** What an element shall do. Everything is left as it is that is not named. */
export interface ElementControl extends Pick<ElementPlace, 'typeIndex' | 'index'> {
  /** Four bytes, of which SELECT is set in any case: see `slotControl()`. */
  readonly control: Uint8Array
}

export interface EnclosureControlOptions {
  readonly elements: readonly ElementControl[]
  /** INFO, NON-CRIT, CRIT and UNRECOV, which the enclosure shows. Default: none. */
  readonly information?: boolean
  readonly nonCritical?: boolean
  readonly critical?: boolean
  readonly unrecoverable?: boolean
}

const HEADER = 8
const ELEMENT = 4
const SELECT = 0x80

/** RECEIVE DIAGNOSTIC RESULTS for the enclosure status page. Refuses a page of another generation than the configuration's. */
export function enclosureStatus(
  known: Configuration,
  options?: DiagnosticOptions,
): TypedCommand<EnclosureStatus> {
  const parse = (page: Uint8Array): EnclosureStatus => parseStatus(page, known)
  return receiveDiagnosticPage(DiagnosticPage.ENCLOSURE_STATUS, parse, options)
}

/** SEND DIAGNOSTIC with the enclosure control page. An enclosure whose configuration has changed since refuses it. */
export function enclosureControl(
  known: Configuration,
  options: EnclosureControlOptions,
): TypedCommand<void> {
  const places = Array.from(elementPlaces(known))
  const page = new Uint8Array(HEADER + ELEMENT * places.length)
  page[0] = DiagnosticPage.ENCLOSURE_STATUS
  page[1] =
    (options.information === true ? 8 : 0) |
    (options.nonCritical === true ? 4 : 0) |
    (options.critical === true ? 2 : 0) |
    (options.unrecoverable === true ? 1 : 0)
  setUint16(page, 2, page.length - 4)
  setUint32(page, 4, known.generation)
  for (const { typeIndex, index, control } of options.elements) {
    const at = places.findIndex((one) => one.typeIndex === typeIndex && one.index === index)
    if (at < 0 || control.length !== ELEMENT) {
      const what = `element ${typeIndex}, ${index ?? 'overall'} with ${control.length} bytes`
      throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `the configuration has no ${what}`)
    }
    page.set(control, HEADER + ELEMENT * at)
    page[HEADER + ELEMENT * at]! |= SELECT
  }
  return sendDiagnosticPage(page)
}

function parseStatus(page: Uint8Array, known: Configuration): EnclosureStatus {
  checkGeneration(page, known.generation)
  const elements: Element[] = []
  let at = HEADER
  for (const place of elementPlaces(known)) {
    if (at + ELEMENT > page.length) throw badResponse('enclosure status: elements are missing')
    elements.push(parseElement(place, page.slice(at, at + ELEMENT)))
    at += ELEMENT
  }
  const flags = page[1]!
  return {
    invalidOperation: (flags & 0x10) !== 0,
    information: (flags & 0x08) !== 0,
    nonCritical: (flags & 0x04) !== 0,
    critical: (flags & 0x02) !== 0,
    unrecoverable: (flags & 0x01) !== 0,
    elements,
  }
}

function parseElement(place: ElementPlace, bytes: Uint8Array): Element {
  return {
    ...place,
    code: bytes[0]! & 0xf,
    predictedFailure: (bytes[0]! & 0x40) !== 0,
    disabled: (bytes[0]! & 0x20) !== 0,
    swapped: (bytes[0]! & 0x10) !== 0,
    details: parseDetails(place.type, bytes),
    bytes,
  }
}
