"""The report's style sheet: one page, light and dark, readable on paper. No fonts, no images, no script."""

CSS = """
:root {
  color-scheme: light dark;
  --page: #f4f5f8; --card: #ffffff; --ink: #14181f; --soft: #5b6472; --line: #e3e6eb; --faint: #f0f2f5;
  --pass: #0a7f4f; --pass-wash: #e2f5ec; --fail: #c42b1c; --fail-wash: #fdeceA; --weak: #94600a;
  --weak-wash: #fdf3dd; --blue: #2563eb; --green: #0d9467; --orange: #dd6b10; --violet: #7c4ddb;
  --grey: #8a94a3; --band: #7c4ddb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0c1017; --card: #141a24; --ink: #e8ebf1; --soft: #98a3b3; --line: #262e3b; --faint: #1a212d;
    --pass: #3fcf8e; --pass-wash: #10291f; --fail: #ff7a6b; --fail-wash: #331714; --weak: #f0b849;
    --weak-wash: #2e2410; --blue: #6a9dff; --green: #38c793; --orange: #f79a4a; --violet: #ad8bff;
    --grey: #778397; --band: #ad8bff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
.pass { --tone: var(--pass); --wash: var(--pass-wash); }
.fail { --tone: var(--fail); --wash: var(--fail-wash); }
.invalid { --tone: var(--weak); --wash: var(--weak-wash); }
.skip { --tone: var(--soft); --wash: var(--faint); }
header { display: flex; gap: 28px; align-items: flex-start; justify-content: space-between;
  background: var(--card); border: 1px solid var(--line); border-left: 6px solid var(--tone);
  border-radius: 14px; padding: 24px 28px; }
header .eyebrow { color: var(--soft); font-size: 12px; letter-spacing: .08em; text-transform: uppercase; }
h1 { font-size: 27px; line-height: 1.2; margin: 4px 0 8px; letter-spacing: -.01em; }
h2 { font-size: 17px; margin: 34px 0 12px; letter-spacing: -.005em; }
h3 { font-size: 14px; margin: 0 0 6px; }
.headline { font-size: 16px; margin: 12px 0 0; max-width: 84ch; }
.headline strong { color: var(--tone); }
.verdict { text-align: center; background: var(--wash); color: var(--tone); border-radius: 12px;
  padding: 14px 26px; min-width: 150px; }
.verdict b { display: block; font-size: 30px; line-height: 1.15; letter-spacing: .03em; }
.verdict span { font-size: 12px; }
.chips { display: flex; flex-wrap: wrap; gap: 6px; }
.chip { background: var(--faint); border: 1px solid var(--line); border-radius: 999px; padding: 2px 11px;
  font-size: 13px; color: var(--soft); }
.chip b { color: var(--ink); font-weight: 600; }
.chip.defect { color: var(--fail); border-color: var(--fail); background: var(--fail-wash); }
.chip.defect b { color: var(--fail); }
.tiles { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 12px; margin-top: 14px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 16px; }
.tile b { display: block; font-size: 25px; line-height: 1.25; letter-spacing: -.01em; font-weight: 650; }
.tile span { color: var(--soft); font-size: 13px; }
.tile.alarm { border-color: var(--fail); background: var(--fail-wash); }
.tile.alarm b { color: var(--fail); }
.grid { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; min-width: 0; }
.card.wide { grid-column: 1 / -1; }
.card p { margin: 6px 0 0; color: var(--soft); font-size: 13px; }
svg.plot { width: 100%; height: auto; display: block; overflow: visible; }
svg text { font-family: inherit; }
.tick, .legend { fill: var(--soft); font-size: 11.5px; }
.note { fill: var(--band); font-size: 10.5px; }
.grid-line, svg .grid { stroke: var(--line); stroke-width: 1; }
.axis { stroke: var(--grey); stroke-width: 1; }
.curve { fill: none; stroke: var(--tone); stroke-width: 2.2; stroke-linejoin: round; }
.curve.dashed { stroke-dasharray: 6 5; stroke-width: 1.8; }
.bar, .key { fill: var(--tone); }
.band { fill: var(--band); opacity: .13; }
.area { fill: var(--tone); opacity: .16; }
.violation { stroke: var(--fail); stroke-width: 1.8; stroke-dasharray: 3 3; }
.violation-label { fill: var(--fail); font-size: 11.5px; font-weight: 600; }
.s-blue { --tone: var(--blue); } .s-green { --tone: var(--green); } .s-orange { --tone: var(--orange); }
.s-violet { --tone: var(--violet); } .s-grey { --tone: var(--grey); } .s-red { --tone: var(--fail); }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 12px; padding: 10px 14px;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
td { padding: 10px 14px; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > td { border-bottom: 0; }
td.number, th.number { text-align: right; white-space: nowrap; }
td small { color: var(--soft); display: block; font-size: 12.5px; max-width: 62ch; }
.which { color: var(--soft); font-size: 12px; white-space: nowrap; }
.finding { margin-bottom: 20px; }
.finding h3 small { color: var(--soft); font-weight: 400; margin-left: 6px; }
summary { cursor: pointer; color: var(--soft); font-size: 13px; padding: 8px 4px; }
.badge { display: inline-block; background: var(--wash); color: var(--tone); font-weight: 650; font-size: 12px;
  border-radius: 6px; padding: 2px 9px; letter-spacing: .03em; }
.kind { color: var(--fail); }
.weak { color: var(--weak); }
.mono, code { font-size: 12px;
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.mono { white-space: nowrap; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 7px 12px; align-items: center;
  font-size: 13px; }
.bars i { display: block; height: 11px; border-radius: 3px; background: var(--tone); min-width: 2px; }
.bars b { font-weight: 600; text-align: right; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; font-size: 13.5px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--faint); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; margin: 0;
  overflow-x: auto; }
footer { margin-top: 34px; color: var(--soft); font-size: 12.5px; max-width: 90ch; }
@media (max-width: 820px) {
  .grid { grid-template-columns: minmax(0, 1fr); }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  header { flex-direction: column-reverse; }
}
@media print {
  body { background: #fff; }
  .card, .tile, header, .scroll { break-inside: avoid; }
}
"""
