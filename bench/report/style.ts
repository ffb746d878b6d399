/** How the report looks: one style sheet for both colour schemes and for paper. */

import { BACKGROUND, COLOURS } from './interfaces.ts'

const variables = (scheme: 'light' | 'dark') =>
  COLOURS.map((colour, index) => `--c${index}:${colour[scheme]}`).join(';')

const LIGHT = `--back:${BACKGROUND.light};--ink:#1b1d21;--soft:#5a606b;--rule:#dcdfe4;--limit:#5a606b;--good:#00694a;--bad:#a3230f;--open:#6b5200;${variables('light')}`
const DARK = `--back:${BACKGROUND.dark};--ink:#e7e9ed;--soft:#a3a9b4;--rule:#343841;--limit:#a3a9b4;--good:#4fd1a1;--bad:#ff8f70;--open:#f0c64a;${variables('dark')}`

export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
@media print{:root{color-scheme:light;${LIGHT}}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:64rem;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.25rem;margin:2.6rem 0 .6rem}
h3{font-size:1rem;margin:2rem 0 .4rem}
p{margin:.4rem 0;max-width:46rem}
.soft,figcaption,summary{color:var(--soft)}
figcaption{max-width:46rem;color:var(--ink)}
nav{margin:1rem 0}
nav a{margin-right:1rem}
a{color:inherit}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--c2);outline-offset:2px}
.smoke{border:2px solid var(--open);padding:.5rem .8rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--rule)}
thead th{color:var(--soft);font-weight:500;white-space:nowrap}
tbody th{font-weight:500}
.met{color:var(--good)}.missed{color:var(--bad)}.unclear{color:var(--open)}
.met,.missed,.unclear{font-weight:600;white-space:nowrap}
figure{margin:0}
svg{display:block}
.plot{width:100%;height:auto;max-width:60rem;font:12px system-ui,sans-serif}
.plot text{fill:var(--soft)}
.plot .axis{fill:var(--ink)}
.plot .name{fill:inherit;font-weight:600}
.grid{stroke:var(--rule);stroke-width:1}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.limit{stroke-dasharray:6 4}
.band{opacity:.13}
.range{stroke-width:6;stroke-linecap:round;opacity:.35}
.range.limit{stroke-width:3}
.leader{fill:none;stroke-width:1;opacity:.6}
.cross{fill:none;stroke-width:2.4}
.around{fill:transparent}
.against{width:150px;height:22px}
.against .goal{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:3 2}
.against .interval{stroke:var(--c2);stroke-width:3;stroke-linecap:round}
.against .value{fill:var(--c2)}
.profiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(26rem,100%),1fr));gap:.5rem 2rem;margin:.8rem 0}
h4{font-size:.875rem;margin:.6rem 0 0}
.profiles p{margin:0;font-size:.875rem}
.profiles>*{min-width:0}
.profiles th,.profiles td{padding-block:.15rem}
.profiles td{white-space:nowrap}
.profiles td:last-child{padding-right:0}
.profiles tbody th{min-width:7rem;overflow-wrap:anywhere}
.swatch{flex:none;width:34px;height:16px;margin-top:.2rem}
.legend{list-style:none;margin:.6rem 0;padding:0;columns:22rem 2;column-gap:2rem;font-size:.875rem}
.legend li{display:flex;gap:.6rem;align-items:flex-start;break-inside:avoid;padding:.15rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;font-size:.875rem;margin:.6rem 0}
dt{color:var(--soft)}dd{margin:0}
@media print{body{max-width:none;padding:0;font-size:11px}table,dl,.legend{font-size:10px}figure,tr,section>h3{break-inside:avoid}h2,h3,h4{break-after:avoid}nav{display:none}.plot{max-width:46rem}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`
