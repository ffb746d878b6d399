/**
 * The configuration page (01h, SES-3 6.1.2): what there is, without which no other page can be read.
 *
 *     header                                    enclosure descriptor                        type descriptor header
 *     1     NUMBER OF SECONDARY SUBENCLOSURES   0      process 6..4, processes 2..0         0  ELEMENT TYPE
 *     4..7  GENERATION CODE                     1      SUBENCLOSURE IDENTIFIER              1  NUMBER OF POSSIBLE ELEMENTS
 *     8..   enclosure descriptors,              2      NUMBER OF TYPE DESCRIPTOR HEADERS    2  SUBENCLOSURE IDENTIFIER
 *           type descriptor headers,            3      ENCLOSURE DESCRIPTOR LENGTH (n-3)    3  TEXT LENGTH
 *           type descriptor texts               4..11  ENCLOSURE LOGICAL IDENTIFIER
 *                                               12..19 vendor, 20..35 product, 36..39 revision
 *                                               40..   vendor specific
 */

import { badResponse, getAscii, getUint32, getUint64, needBytes } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { type DiagnosticOptions, DiagnosticPage, receiveDiagnosticPage } from './diagnostic.ts'
import { elementTypeName } from './element-type.ts'

/** What an enclosure consists of. */
export interface Configuration {
  /** GENERATION CODE: pages of another one mean something else. */
  readonly generation: number
  /** The primary subenclosure first. */
  readonly enclosures: readonly Enclosure[]
  readonly types: readonly ElementTypeDescriptor[]
}

export interface Enclosure {
  readonly subenclosure: number
  /** RELATIVE ENCLOSURE SERVICES PROCESS IDENTIFIER: which of the processes answers. */
  readonly process: number
  readonly processes: number
  /** ENCLOSURE LOGICAL IDENTIFIER, most often an NAA. */
  readonly logicalIdentifier: bigint
  readonly vendor: string
  readonly product: string
  readonly revision: string
  readonly vendorSpecific: Uint8Array
}

/** Elements of one type in one subenclosure. */
export interface ElementTypeDescriptor {
  /** See `ElementType`. */
  readonly type: number
  /** Its name in `ElementType`. */
  readonly typeName: string | undefined
  /** How many there can be. */
  readonly elements: number
  readonly subenclosure: number
  readonly text: string
}

/** The place of an element in the pages. */
export interface ElementPlace {
  /** See `ElementType`. */
  readonly type: number
  /** The index of its type in `Configuration.types`. */
  readonly typeIndex: number
  readonly subenclosure: number
  /** Among the elements of its type. `undefined`: the overall element, which speaks of all of them. */
  readonly index: number | undefined
}

const HEADER = 8
const ENCLOSURE = 40
const TYPE_HEADER = 4

/** RECEIVE DIAGNOSTIC RESULTS for the configuration page. */
export function configuration(options?: DiagnosticOptions): TypedCommand<Configuration> {
  return receiveDiagnosticPage(DiagnosticPage.CONFIGURATION, parseConfiguration, options)
}

/** All elements in the order that every page has them: of each type the overall element, then the others. */
export function* elementPlaces({ types }: Configuration): Generator<ElementPlace> {
  for (const [typeIndex, { type, subenclosure, elements }] of types.entries()) {
    yield { type, typeIndex, subenclosure, index: undefined }
    for (let index = 0; index < elements; index++) yield { type, typeIndex, subenclosure, index }
  }
}

function parseConfiguration(page: Uint8Array): Configuration {
  needBytes('SES configuration', page, HEADER)
  const enclosures: Enclosure[] = []
  let headers = 0
  let at = HEADER
  for (let left = 1 + page[1]!; left > 0; left--) {
    needBytes('SES configuration', page, at + ENCLOSURE)
    const end = at + 4 + page[at + 3]!
    if (end < at + ENCLOSURE) throw badResponse('SES configuration: an enclosure that is too short')
    needBytes('SES configuration', page, end)
    enclosures.push(parseEnclosure(page.subarray(at, end)))
    headers += page[at + 2]!
    at = end
  }
  const types: ElementTypeDescriptor[] = []
  let text = at + headers * TYPE_HEADER
  needBytes('SES configuration', page, text)
  for (let left = headers; left > 0; left--, at += TYPE_HEADER) {
    const length = page[at + 3]!
    needBytes('SES configuration', page, text + length)
    types.push({
      type: page[at]!,
      typeName: elementTypeName(page[at]!),
      elements: page[at + 1]!,
      subenclosure: page[at + 2]!,
      text: getAscii(page, text, length),
    })
    text += length
  }
  return { generation: getUint32(page, 4), enclosures, types }
}

function parseEnclosure(one: Uint8Array): Enclosure {
  return {
    subenclosure: one[1]!,
    process: (one[0]! >> 4) & 7,
    processes: one[0]! & 7,
    logicalIdentifier: getUint64(one, 4),
    vendor: getAscii(one, 12, 8),
    product: getAscii(one, 20, 16),
    revision: getAscii(one, 36, 4),
    vendorSpecific: one.slice(ENCLOSURE),
  }
}
