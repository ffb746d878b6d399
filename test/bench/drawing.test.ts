/** What pictures are made of, for any numbers and any text. */

import assert from 'node:assert/strict'
import { suite } from '../harness/index.ts'
import { compiled } from './compiled.ts'

const test = suite('drawing')

type Span = readonly [number, number]

interface Scale {
  place(value: number): number
  ticks: { at: number; label: string }[]
}

interface Scales {
  logarithmic(values: number[], span: Span, label: (value: number) => string): Scale
  factor(values: number[], span: Span, label: (value: number) => string): Scale
  nines(last: number, span: Span): Scale
  apart(places: number[], gap: number, span: Span): number[]
}

interface Html {
  element(name: string, attributes: object, ...children: unknown[]): { markup: string }
  escaped(text: string): string
  decimal(value: number): string
}

interface Colour {
  light: string
  dark: string
}

interface Interfaces {
  COLOURS: Colour[]
  BACKGROUND: Colour
  lookOf(name: string): { colour: number | 'limit'; mark: string }
}

const scales = () => compiled<Scales>('report/scale.js')
const html = () => compiled<Html>('report/html.js')
const SPAN: Span = [90, 10]

/** Numbers between 0 and 1 that a seed repeats. */
function* randoms(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

/** Many times a few numbers of any size. */
function* lists(from: number, to: number): Generator<number[]> {
  const random = randoms(6)
  const next = () => random.next().value
  for (let turn = 0; turn < 300; turn++) {
    const length = 1 + Math.floor(next() * 9)
    yield Array.from({ length }, () => 10 ** (from + next() * (to - from)))
  }
}

test('a logarithmic axis keeps the order of values and stays within its span, with some ticks and not many', async () => {
  const { logarithmic } = await scales()
  for (const values of lists(-3, 12)) {
    const scale = logarithmic(values, SPAN, String)
    const places = values.sort((a, b) => a - b).map((value) => scale.place(value))
    for (const [index, place] of places.entries()) {
      assert.ok(place >= SPAN[1] && place <= SPAN[0], `${values} at ${place}`)
      // The span runs upwards on the page: to smaller numbers.
      if (index > 0) assert.ok(place <= places[index - 1]!)
    }
    assert.ok(
      scale.ticks.length >= 2 && scale.ticks.length <= 12,
      `${values}: ${scale.ticks.length}`,
    )
    for (const { at } of scale.ticks)
      assert.ok(scale.place(at) >= SPAN[1] && scale.place(at) <= SPAN[0])
  }
})

test('an axis of one value, of none, and of numbers that no logarithm has is an axis', async () => {
  const { logarithmic } = await scales()
  assert.equal(logarithmic([7], SPAN, String).place(7), 50)
  for (const values of [[], [0], [-1, Number.NaN, Infinity]])
    assert.ok(Number.isFinite(logarithmic(values, SPAN, String).place(1)))
})

test('an axis of a factor has a tick for each value, and 0 left of all others', async () => {
  const { factor } = await scales()
  const { place, ticks } = factor([512, 0, 4096, 512], [0, 100], String)
  assert.deepEqual(
    ticks.map(({ at }) => at),
    [0, 512, 4096],
  )
  assert.deepEqual([place(0), place(4096)], [0, 100])
  assert.ok(place(512) > 0 && place(512) < 100)
})

test('nines are equally far apart', async () => {
  const { nines } = await scales()
  const { place } = nines(99.99, [0, 100])
  const places = [0, 90, 99, 99.9, 99.99].map((percentile) => Math.round(place(percentile)))
  assert.deepEqual(places, [0, 25, 50, 75, 100])
  assert.equal(place(100), 100)
})

test('labels keep their order and do not overlap, within their span as long as they fit', async () => {
  const { apart } = await scales()
  for (const values of lists(0, 2)) {
    const moved = apart(values, 10, [0, 100])
    const order = values.map((_, index) => index).sort((a, b) => values[a]! - values[b]!)
    for (const [index, at] of order.entries()) {
      if (index > 0) assert.ok(moved[at]! - moved[order[index - 1]!]! >= 10 - 1e-9)
      assert.ok(moved[at]! >= -1e-9 && moved[at]! <= 100)
    }
  }
})

test('text cannot become markup, nor leave its attribute, nor be no XML', async () => {
  const { element, escaped } = await html()
  const random = randoms(3)
  const letters = [
    '<',
    '>',
    '&',
    '"',
    "'",
    '\u0000',
    '\u001b',
    '\ud800',
    '😀',
    'a',
    ' ',
    '&lt;',
    ']]>',
    '-->',
  ]
  for (let turn = 0; turn < 300; turn++) {
    const text = Array.from(
      { length: 12 },
      () => letters[Math.floor(random.next().value * letters.length)],
    ).join('')
    const written = escaped(text)
    assert.doesNotMatch(written, /[<>"'\p{Cc}\p{Cs}]|&(?!#\d+;)/u)
    const read = written.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    assert.equal(read, text.replace(/\p{Cc}|\p{Cs}/gu, '\ufffd'))
    assert.equal(element('p', { title: text }, text).markup, `<p title="${written}">${written}</p>`)
  }
})

test('a number that is nowhere is in no picture', async () => {
  const { decimal, element } = await html()
  for (const value of [Number.NaN, Infinity, -Infinity]) {
    assert.throws(() => decimal(value), RangeError)
    assert.throws(() => element('circle', { cx: value }), RangeError)
  }
  assert.equal(decimal(1 / 3), '0.33')
})

/** Machado, Oliveira and Fernandes 2009, severity 1, on linear sRGB. */
const VISIONS: Readonly<Record<string, readonly number[]>> = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [
    0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998,
  ],
  deuteranopia: [
    0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881,
  ],
  tritanopia: [
    1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039,
  ],
}

type Triple = [number, number, number]

const times = (m: readonly number[], [x, y, z]: Triple): Triple =>
  [0, 3, 6].map((row) => m[row]! * x + m[row + 1]! * y + m[row + 2]! * z) as Triple

function linear(hex: string): Triple {
  const parts = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
  return parts.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  ) as Triple
}

/** Ottosson 2020. */
function oklab(rgb: Triple): Triple {
  const lms = [
    0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566,
    0.0883024619, 0.2817188376, 0.6299787005,
  ]
  const lab = [
    0.2104542553, 0.793617785, -0.0040720468, 1.9779984951, -2.428592205, 0.4505937099,
    0.0259040371, 0.7827717662, -0.808675766,
  ]
  return times(lab, times(lms, rgb).map(Math.cbrt) as Triple)
}

test('the colours are told apart by every colour vision, and stand out from their background, in both schemes', async () => {
  const { COLOURS, BACKGROUND } = await compiled<Interfaces>('report/interfaces.js')
  const luminance = (hex: string) =>
    times([0.2126, 0.7152, 0.0722, 0, 0, 0, 0, 0, 0], linear(hex))[0] + 0.05
  for (const scheme of ['light', 'dark'] as const) {
    const back = luminance(BACKGROUND[scheme])
    for (const [index, { [scheme]: colour }] of COLOURS.entries()) {
      const front = luminance(colour)
      assert.ok(
        Math.max(front, back) / Math.min(front, back) >= 3,
        `${colour} on ${BACKGROUND[scheme]}`,
      )
      for (const { [scheme]: other } of COLOURS.slice(0, index))
        for (const [vision, matrix] of Object.entries(VISIONS)) {
          const seen = [colour, other].map((hex) =>
            oklab(
              times(matrix, linear(hex)).map((part) => Math.min(1, Math.max(0, part))) as Triple,
            ),
          )
          const apart = Math.hypot(...seen[0]!.map((part, at) => part - seen[1]![at]!))
          assert.ok(apart >= 0.06, `${colour} and ${other} by ${vision}: ${apart}`)
        }
    }
  }
})

test('no two interfaces that have been given a look have the same one', async () => {
  const { lookOf, LOOKS } = await compiled<Interfaces & { LOOKS: Record<string, unknown> }>(
    'report/interfaces.js',
  )
  const looks = Object.keys(LOOKS).map((name) => `${lookOf(name).colour} ${lookOf(name).mark}`)
  assert.equal(new Set(looks).size, looks.length)
  assert.deepEqual(lookOf('nobody has named this'), lookOf('nobody has named this'))
})

test.run()
