/** Pictures: lines over two axes, and rows of points over one. Each is a function of its numbers alone. */

import { type Child, decimal, element, type Markup, together } from './html.ts'
import { isLimit, type Look, paint } from './interfaces.ts'
import { apart, type Scale, type Span, type Tick } from './scale.ts'

export interface Point {
  readonly x: number
  readonly y: number
  readonly low: number
  readonly high: number
  /** What is told on hover. */
  readonly text: string
}

/** One contestant's. */
export interface Line {
  readonly name: string
  readonly look: Look
  /** Ascending by `x`. */
  readonly points: readonly Point[]
}

export interface Axes {
  readonly x: (span: Span) => Scale
  readonly y: (span: Span) => Scale
  readonly xTitle: string
  readonly yTitle: string
}

const WIDTH = 760
const HEIGHT = 400
/** Beside the plot: for the values of its axis, and for the names of its lines. */
const VALUES = 88
const NAMES = 132
const TOP = 14
const BOTTOM = 52
const LETTER = 6.6
const LABEL_GAP = 14
const NAME_LETTERS = 18

/**
 * Lines with bands from their lowest to their highest, each named at one end: all on the side where the lines are farther apart, and the
 * axis of values is on the other.
 */
export function lines(title: string, all: readonly Line[], axes: Axes): Markup {
  const drawn = all.filter(({ points }) => points.length > 0)
  const up: Span = [HEIGHT - BOTTOM, TOP]
  const y = axes.y(up)
  const side = namedSide(drawn, y)
  const across: Span = side === 'left' ? [NAMES, WIDTH - VALUES] : [VALUES, WIDTH - NAMES]
  const x = axes.x(across)
  const grid = [...valueGrid(y, across, side), ...roomy(x).map((tick) => upright(tick, x, up))]
  const axisAt = side === 'left' ? WIDTH - 12 : 14
  const titles = [
    text((across[0] + across[1]) / 2, HEIGHT - 10, axes.xTitle, 'middle', 'axis'),
    element(
      'g',
      { transform: `translate(${axisAt} ${decimal((up[0] + up[1]) / 2)}) rotate(-90)` },
      text(0, 0, axes.yTitle, 'middle', 'axis'),
    ),
  ]
  const bands = drawn.map(({ look, points }) =>
    element('path', { class: 'band', fill: paint(look), d: band(points, x, y) }),
  )
  const strokes = drawn.map(({ look, points }) =>
    element('path', {
      class: isLimit(look) ? 'line limit' : 'line',
      stroke: paint(look),
      d: path(points, x, y),
    }),
  )
  const marks = drawn.flatMap(({ look, points }) =>
    points.map((point) => marked(look, x.place(point.x), y.place(point.y), point.text)),
  )
  const labels = names(drawn, side, x, y, across)
  return picture(title, HEIGHT, [...grid, ...titles, ...bands, ...labels, ...strokes, ...marks])
}

type Side = 'left' | 'right'

/** Where a line begins or ends that is named on a side. */
function endOf({ points }: Line, side: Side): Point {
  return side === 'left' ? points[0]! : points.at(-1)!
}

function namedSide(drawn: readonly Line[], y: Scale): Side {
  const moved = (side: Side) => {
    const ends = drawn.map((line) => y.place(endOf(line, side).y))
    const places = apart(ends, LABEL_GAP, LABELS)
    return ends.reduce((sum, end, index) => sum + Math.abs(end - places[index]!), 0)
  }
  return moved('left') < moved('right') ? 'left' : 'right'
}

const LABELS: Span = [TOP + 4, HEIGHT - BOTTOM]

/** A name for each line, apart from each other, and joined to where the line begins or ends. */
function names(drawn: readonly Line[], side: Side, x: Scale, y: Scale, across: Span): Markup[] {
  const ends = drawn.map((line) => endOf(line, side))
  const heights = ends.map((end) => y.place(end.y))
  const [edge, sign, anchor] =
    side === 'left' ? ([across[0], -1, 'end'] as const) : ([across[1], 1, 'start'] as const)
  return apart(heights, LABEL_GAP, LABELS).map((place, index) => {
    const { name, look } = drawn[index]!
    const from = `${decimal(x.place(ends[index]!.x) + 5 * sign)} ${decimal(heights[index]!)}`
    const to = `${decimal(edge + 12 * sign)} ${decimal(place)}`
    return together(
      element('path', { class: 'leader', stroke: paint(look), d: `M${from}L${to}` }),
      named(name, look, edge + 16 * sign, place + 4, anchor),
    )
  })
}

function named(name: string, look: Look, x: number, y: number, anchor: string): Markup {
  const letters = [...name]
  const short =
    letters.length > NAME_LETTERS ? `${letters.slice(0, NAME_LETTERS - 1).join('')}…` : name
  return element('g', { fill: paint(look) }, text(x, y, short, anchor, 'name'))
}

function valueGrid(y: Scale, across: Span, side: Side): Markup[] {
  const [at, anchor] = side === 'left' ? [across[1] + 8, 'start'] : [across[0] - 8, 'end']
  return y.ticks.map((tick) => {
    const place = y.place(tick.at)
    return together(
      element('line', { class: 'grid', x1: across[0], x2: across[1], y1: place, y2: place }),
      text(at, place + 4, tick.label, anchor),
    )
  })
}

function upright({ at, label }: Tick, x: Scale, [bottom, top]: Span): Markup {
  const place = x.place(at)
  return together(
    element('line', { class: 'grid', x1: place, x2: place, y1: bottom, y2: top }),
    text(place, bottom + 18, label, 'middle'),
  )
}

/** Ticks whose labels do not run into each other; the last is always there. */
function roomy(scale: Scale): Scale['ticks'] {
  const kept: Scale['ticks'][number][] = []
  for (const tick of [...scale.ticks].reverse()) {
    const right = kept.at(-1)
    const need =
      right === undefined ? 0 : ((right.label.length + tick.label.length) / 2 + 1) * LETTER
    if (right === undefined || scale.place(right.at) - scale.place(tick.at) >= need) kept.push(tick)
  }
  return kept.reverse()
}

/** One contestant in a row. */
export interface Row {
  readonly name: string
  readonly look: Look
  readonly value: number
  readonly low: number
  readonly high: number
  /** Stands at the row's end. */
  readonly label: string
  readonly text: string
}

const ROW = 26

/** A row each: a mark, and a bar from the lowest to the highest. */
export function rows(
  title: string,
  all: readonly Row[],
  axis: { x: (span: Span) => Scale; title: string },
): Markup {
  const across: Span = [146, WIDTH - 190]
  const x = axis.x(across)
  const bottom = TOP + ROW * all.length
  const grid = roomy(x).map((tick) => upright(tick, x, [bottom, TOP]))
  const body = all.map(({ name, look, value, low, high, label, text: hover }, index) => {
    const place = TOP + ROW * (index + 0.5)
    const ends = { x1: x.place(low), x2: x.place(high), y1: place, y2: place }
    return together(
      named(name, look, across[0] - 14, place + 4, 'end'),
      element('line', {
        class: isLimit(look) ? 'range limit' : 'range',
        stroke: paint(look),
        ...ends,
      }),
      marked(look, x.place(value), place, hover),
      text(across[1] + 14, place + 4, label, 'start'),
    )
  })
  const middle = (across[0] + across[1]) / 2
  const name = text(middle, bottom + 36, axis.title, 'middle', 'axis')
  return picture(title, bottom + 44, [...grid, ...body, name])
}

/** A value and its interval beside a goal, which is dashed: to the right is beyond the goal, to the left short of it. */
export function against(
  title: string,
  margins: Readonly<Record<'value' | 'low' | 'high', number>>,
): Markup {
  const [width, height, reach] = [150, 22, 4]
  const place = (margin: number) => {
    const part = Math.log(Math.min(reach, Math.max(1 / reach, margin))) / Math.log(reach)
    return width / 2 + part * (width / 2 - 8)
  }
  const middle = height / 2
  return element(
    'svg',
    { class: 'against', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': title },
    element('title', {}, title),
    element('line', { class: 'grid', x1: 4, x2: width - 4, y1: middle, y2: middle }),
    element('line', { class: 'goal', x1: width / 2, x2: width / 2, y1: 2, y2: height - 2 }),
    element('line', {
      class: 'interval',
      x1: place(margins.low),
      x2: place(margins.high),
      y1: middle,
      y2: middle,
    }),
    element('circle', { class: 'value', cx: place(margins.value), cy: middle, r: 4 }),
  )
}

/** A mark alone, as a legend has it. */
export function swatch(look: Look): Markup {
  const stroke = { class: isLimit(look) ? 'line limit' : 'line', stroke: paint(look), d: 'M1 8H33' }
  return element(
    'svg',
    { class: 'swatch', viewBox: '0 0 34 16', 'aria-hidden': 'true' },
    element('path', stroke),
    shape(look, 17, 8),
  )
}

function picture(title: string, height: number, children: readonly Child[]): Markup {
  const attributes = {
    class: 'plot',
    viewBox: `0 0 ${WIDTH} ${decimal(height)}`,
    role: 'img',
    'aria-label': title,
  }
  return element('svg', attributes, ...children)
}

/** With a place around it that is easier to point at. */
function marked(look: Look, x: number, y: number, hover: string): Markup {
  const around = element('circle', { class: 'around', cx: x, cy: y, r: 10 })
  return element('g', {}, element('title', {}, hover), around, shape(look, x, y))
}

function shape(look: Look, x: number, y: number): Markup {
  const at = (dx: number, dy: number) => `${decimal(x + dx)} ${decimal(y + dy)}`
  const fill = paint(look)
  switch (look.mark) {
    case 'circle':
      return element('circle', { fill, cx: x, cy: y, r: 4.2 })
    case 'square':
      return element('rect', { fill, x: x - 3.8, y: y - 3.8, width: 7.6, height: 7.6 })
    case 'diamond':
      return element('path', {
        fill,
        d: `M${at(0, -5.4)}L${at(5.4, 0)}L${at(0, 5.4)}L${at(-5.4, 0)}Z`,
      })
    case 'triangle':
      return element('path', { fill, d: `M${at(0, -5)}L${at(5, 4)}L${at(-5, 4)}Z` })
    case 'cross':
      return element('path', {
        class: 'cross',
        stroke: fill,
        d: `M${at(-4, -4)}L${at(4, 4)}M${at(-4, 4)}L${at(4, -4)}`,
      })
  }
}

function path(points: readonly Point[], x: Scale, y: Scale): string {
  return points
    .map(
      (point, index) =>
        `${index === 0 ? 'M' : 'L'}${decimal(x.place(point.x))} ${decimal(y.place(point.y))}`,
    )
    .join('')
}

function band(points: readonly Point[], x: Scale, y: Scale): string {
  const edge = (end: 'low' | 'high') =>
    points.map((point) => `${decimal(x.place(point.x))} ${decimal(y.place(point[end]))}`)
  return `M${[...edge('high'), ...edge('low').reverse()].join('L')}Z`
}

function text(x: number, y: number, content: string, anchor: string, kind?: string): Markup {
  return element('text', { x, y, 'text-anchor': anchor, class: kind }, content)
}
