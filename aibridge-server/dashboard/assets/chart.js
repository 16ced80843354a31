// A chart of stacked bars over time, with the table of its numbers behind it.
import { html, useEffect, useRef } from "../vendor/preact-htm.js";
import { bucket, visible } from "./format.js";
import { Table } from "./parts.js";

const HEIGHT = 220;

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** `series`: [{label, values}] of the same length as `times`; `format` writes a number. */
export function Chart({ title, times, series, interval, timeZone, format }) {
  const place = useRef(null);
  const shown = series.map((one, index) => ({ ...one, color: `--series-${index % 9}` }));
  useEffect(() => {
    if (!place.current || !globalThis.uPlot || times.length === 0) return undefined;
    const width = () => Math.max(place.current.clientWidth, 200);
    const draw = () => new globalThis.uPlot(options(shown, interval, timeZone, format, width()), stacked(times, shown), place.current);
    let plot = draw();
    const resized = new ResizeObserver(() => plot.setSize({ width: width(), height: HEIGHT }));
    resized.observe(place.current);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => {
      plot.destroy();
      plot = draw();
    };
    scheme.addEventListener("change", redraw);
    return () => {
      scheme.removeEventListener("change", redraw);
      resized.disconnect();
      plot.destroy();
    };
  });
  const total = (one) => one.values.reduce((sum, value) => sum + value, 0);
  const summary = shown.map((one) => `${visible(one.label)}: ${format(total(one))}`).join(", ");
  const rows = times.map((time, index) => ({ time, index }));
  return html`<figure class="chart">
    <figcaption>${title}</figcaption>
    <div class="plot" ref=${place} role="img" aria-label=${`${title}. ${summary}`}></div>
    <ul class="legend">${shown.map((one, index) => html`<li><span class=${"swatch swatch-" + (index % 9)} aria-hidden="true"></span><bdi>${visible(one.label)}</bdi> <span class="quiet">${format(total(one))}</span></li>`)}</ul>
    <details><summary>Numbers of this chart</summary>
      <${Table} caption=${title} hideCaption rows=${rows.filter(({ index }) => shown.some((one) => one.values[index]))}
        columns=${[
          [interval === "day" ? `Day (${timeZone})` : "Hour", (row) => bucket(row.time, interval, timeZone), ""],
          ...shown.map((one) => [visible(one.label), (row) => format(one.values[row.index]), "number"]),
        ]} />
    </details>
  </figure>`;
}

/** Each series on top of those before it. The last one is drawn first, behind the others. */
function stacked(times, series) {
  const sums = times.map(() => 0);
  const layers = series.map((one) => one.values.map((value, index) => (sums[index] += value)));
  return [times.map((time) => Date.parse(time) / 1000), ...layers.reverse()];
}

/** The label of a tick: the day, or the hour with the day where it begins. */
function label(seconds, step, index, timeZone) {
  const at = new Date(seconds * 1000);
  const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone });
  if (step >= 86400) return day;
  const hour = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone });
  return index === 0 || hour === "00:00" ? `${hour}\n${day}` : hour;
}

function options(series, interval, timeZone, format, width) {
  const bars = globalThis.uPlot.paths.bars({ size: [0.9, 60], align: 1 });
  const axis = { stroke: style("--quiet"), grid: { stroke: style("--line"), width: 1 }, ticks: { stroke: style("--line"), width: 1 } };
  const layers = series.map((one) => ({ fill: style(one.color), stroke: style(one.color), width: 0, paths: bars, points: { show: false } }));
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => globalThis.uPlot.tzDate(new Date(seconds * 1000), timeZone),
    scales: { y: { range: (_, min, max) => [0, max > 0 ? max * 1.05 : 1] } },
    axes: [{ ...axis, values: (_, ticks, __, ___, step) => ticks.map((tick, index) => label(tick, step, index, timeZone)) }, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => format(tick)) }],
    series: [{}, ...layers.reverse()],
  };
}
