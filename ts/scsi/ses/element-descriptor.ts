/** The element descriptor page (07h, SES-3 6.1.10): a text for every element, each behind two reserved bytes and its length. */

import { getAscii, getUint16, needBytes } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { type Configuration, type ElementPlace, elementPlaces } from './configuration.ts'
import {
  checkGeneration,
  type DiagnosticOptions,
  DiagnosticPage,
  receiveDiagnosticPage,
} from './diagnostic.ts'

/** What an element is called. */
export interface ElementDescriptor extends ElementPlace {
  readonly text: string
}

const HEADER = 8
const TEXT_HEADER = 4

/**
 * RECEIVE DIAGNOSTIC RESULTS for the element descriptor page, in the order of `elementPlaces()`. Refuses a page of another generation
 * than the configuration's.
 */
export function elementDescriptors(
  known: Configuration,
  options?: DiagnosticOptions,
): TypedCommand<readonly ElementDescriptor[]> {
  const parse = (page: Uint8Array): ElementDescriptor[] => parseDescriptors(page, known)
  return receiveDiagnosticPage(DiagnosticPage.ELEMENT_DESCRIPTOR, parse, options)
}

function parseDescriptors(page: Uint8Array, known: Configuration): ElementDescriptor[] {
  checkGeneration(page, known.generation)
  const found: ElementDescriptor[] = []
  let at = HEADER
  for (const place of elementPlaces(known)) {
    needBytes('element descriptors', page, at + TEXT_HEADER)
    const length = getUint16(page, at + 2)
    needBytes('element descriptors', page, at + TEXT_HEADER + length)
    found.push({ ...place, text: getAscii(page, at + TEXT_HEADER, length) })
    at += TEXT_HEADER + length
  }
  return found
}
