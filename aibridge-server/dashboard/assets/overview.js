// Spend, requests, tokens and failures over time; who and what caused them; the health of keys, circuits and budgets.
import { html } from "../vendor/preact-htm.js";
import { useRead } from "./api.js";
import { Chart } from "./chart.js";
import { Filters, filterOf, windowHours } from "./filters.js";
import { allInput, allTokens, compact, count, duration, money, plural, visible, zone } from "./format.js";
import { Empty, Loading, Money, Problem, Table, Text } from "./parts.js";
import { Link, address, go } from "./router.js";

const METRICS = {
  cost: ["Spend", (row) => (row.cost_nano_usd ?? 0) / 1e9, (number) => money(number * 1e9)],
  requests: ["Requests", (row) => row.requests, compact],
  tokens: ["Tokens", allTokens, compact],
  output: ["Output tokens", (row) => row.output_tokens, compact],
  failed: ["Failures", (row) => row.failed, compact],
  duration: ["Average duration", (row) => (row.ended ? row.duration_ms / row.ended : 0), duration],
};
const GROUPS = { model: "model", user: "user", client: "client", provider: "provider" };

/** The hours or days between the first and the last row, with the values of each group. */
export function series(rows, key, value) {
  const times = [...new Set(rows.map((row) => row.at))].sort();
  const index = new Map(times.map((time, position) => [time, position]));
  const groups = new Map();
  for (const row of rows) {
    const label = row.is_rest ? "All others" : row[key] || "–";
    if (!groups.has(label)) groups.set(label, times.map(() => 0));
    groups.get(label)[index.get(row.at)] += value(row);
  }
  return { times, series: [...groups].map(([label, values]) => ({ label, values })) };
}

export function Overview({ params, status }) {
  const filter = filterOf(params, true);
  const interval = windowHours(params) > 72 ? "day" : "hour";
  const timeZone = interval === "day" ? status.time_zone : zone;
  const by = GROUPS[params.get("by")] ?? "model";
  const sums = useRead("totals", filter);
  const metric = METRICS[params.get("metric")] ? params.get("metric") : null;
  const grouped = useRead("totals", { ...filter, by, interval, time_zone: timeZone, top: 8 });
  const total = sums.data?.data[0];
  const shownMetric = metric ?? (total?.cost_nano_usd ? "cost" : "tokens");
  const keep = [...params.keys()];
  const set = (name) => (event) => go(address("overview", "", { [name]: event.target.value }, keep), true);
  const [title, value, format] = METRICS[shownMetric];
  const error = sums.error || grouped.error;
  return html`
    <h1>Overview</h1>
    <${Filters} view="overview" params=${params} isAdmin />
    ${error && html`<${Problem} error=${error} reload=${() => (sums.reload(), grouped.reload())} />`}
    ${sums.isLoading && html`<${Loading} />`}
    ${sums.data && (!total || total.requests === 0) && html`<${Empty} status=${status} params=${params} noun="requests" />`}
    ${total?.requests > 0 && html`
      <${Tiles} total=${total} />
      <div class="choices">
        <label>Show <select onChange=${set("metric")} value=${shownMetric}>${Object.entries(METRICS).map(([name, [label]]) => html`<option value=${name} selected=${name === shownMetric}>${label}</option>`)}</select></label>
        <label>by <select onChange=${set("by")} value=${by}>${Object.keys(GROUPS).map((name) => html`<option value=${name} selected=${name === by}>${name}</option>`)}</select></label>
      </div>
      ${grouped.data && html`<${Chart} title=${`${title} by ${by}, each ${interval}`} ...${series(grouped.data.data, by, value)} interval=${interval} timeZone=${timeZone} format=${format} />
        <p class="quiet">${interval === "day" ? `Days begin at midnight, ${timeZone}.` : `Hours are in the zone of this browser, ${zone}.`}</p>`}
      <div class="columns">
        <${Top} by="user" filter=${filter} title="Top users" view="sessions" />
        <${Top} by="model" filter=${filter} title="Top models" view="requests" />
        <${Top} by="client" filter=${filter} title="Top clients" view="sessions" />
        <${Tools} filter=${filter} />
        <${Failures} filter=${filter} />
        <${Health} />
        <${Budgets} />
      </div>`}`;
}

function Tiles({ total }) {
  const tile = (label, value, title) => html`<div class="tile"><dt>${label}</dt><dd title=${title}>${value}</dd></div>`;
  const rate = total.requests ? `${((100 * total.failed) / total.requests).toFixed(1)} %` : "0 %";
  const unpriced = total.unpriced ? `${plural(total.unpriced, "response")} without a price` : "";
  return html`<dl class="tiles">
    ${tile("Spend", html`<${Money} nano=${total.cost_nano_usd} />`, unpriced)}
    ${tile("Requests", compact(total.requests), count(total.requests))}
    ${tile("Failed", html`${compact(total.failed)} <small>${rate}</small>`, count(total.failed))}
    ${tile("Input tokens", compact(allInput(total)), count(allInput(total)))}
    ${tile("Cached input tokens", compact(total.cache_read_input_tokens), count(total.cache_read_input_tokens))}
    ${tile("Output tokens", compact(total.output_tokens), count(total.output_tokens))}
    ${tile("Average duration", duration(total.ended ? total.duration_ms / total.ended : null), "")}
  </dl>`;
}

function Top({ by, filter, title, view }) {
  const { data, error } = useRead("totals", { ...filter, by, top: 8 });
  if (error) return html`<section><h2>${title}</h2><${Problem} error=${error} /></section>`;
  if (!data) return html`<section><h2>${title}</h2><${Loading} /></section>`;
  const hasCost = data.data.some((row) => row.cost_nano_usd);
  const rows = [...data.data].sort((one, other) => one.is_rest - other.is_rest || (hasCost ? (other.cost_nano_usd ?? 0) - (one.cost_nano_usd ?? 0) : allTokens(other) - allTokens(one)));
  const name = (row) => (row.is_rest ? "All others" : html`<${Link} to=${address(view, "", { [by]: row[by] })}><${Text}>${row[by]}<//><//>`);
  return html`<section><h2>${title}</h2><${Table} caption=${title} hideCaption rows=${rows} columns=${[
    [by[0].toUpperCase() + by.slice(1), name, "wrap"],
    ["Spend", (row) => html`<${Money} nano=${row.cost_nano_usd} />`, "number"],
    ["Requests", (row) => count(row.requests), "number"],
    ["Failed", (row) => count(row.failed), "number"],
    ["Tokens", (row) => compact(allTokens(row)), "number"],
    ["Avg. duration", (row) => duration(row.ended ? row.duration_ms / row.ended : null), "number"],
  ]} /></section>`;
}

function Tools({ filter }) {
  const { data, error } = useRead("tools", { ...filter, limit: 8 });
  return html`<section><h2>Top tools</h2>
    ${error && html`<${Problem} error=${error} />`}
    ${!data && !error && html`<${Loading} />`}
    ${data && (data.data.length === 0 ? html`<p class="quiet">No tool calls in this time.</p>` : html`<${Table} caption="Top tools" hideCaption rows=${data.data} columns=${[
      ["Tool", (row) => html`<${Text}>${row.tool}<//>`, "wrap"],
      ["Calls", (row) => count(row.calls), "number"],
    ]} />`)}</section>`;
}

function Failures({ filter }) {
  const { data } = useRead("totals", { ...filter, outcome: "failed", by: "error_type,provider", top: 8 });
  const rows = [...(data?.data ?? [])].sort((one, other) => one.is_rest - other.is_rest || other.requests - one.requests);
  return html`<section><h2>Failures by cause</h2>
    ${data && (rows.length === 0 ? html`<p class="quiet">No failures in this time.</p>` : html`<${Table} caption="Failures by cause" hideCaption rows=${rows} columns=${[
      ["Cause", (row) => (row.is_rest ? "All others" : html`<${Link} to=${address("requests", "", { outcome: "failed", provider: row.provider })}>${visible(row.error_type)}<//>`), "wrap"],
      ["Provider", (row) => html`<${Text}>${row.provider ?? ""}<//>`, "wrap"],
      ["Requests", (row) => count(row.requests), "number"],
    ]} />`)}</section>`;
}

function Health() {
  const keys = useRead("keys");
  const providers = useRead("providers");
  if (!keys.data || !providers.data) return html`<section><h2>Keys and circuits</h2>${keys.error ? html`<${Problem} error=${keys.error} />` : html`<${Loading} />`}</section>`;
  const cooling = keys.data.data.filter((key) => key.state === "cooling" || key.models.length);
  const open = providers.data.data.flatMap((provider) => provider.circuits.filter((one) => one.state !== "closed"));
  const isWell = cooling.length === 0 && open.length === 0;
  return html`<section><h2>Keys and circuits</h2>
    <p><span class=${isWell ? "outcome completed" : "outcome failed"}>${isWell ? "All well" : "Attention"}</span>
      ${" "}${plural(keys.data.data.length, "key")}, ${cooling.length} cooling; ${plural(open.length, "open circuit")}.</p>
    <p><${Link} to=${address("keys", "")}>Keys and providers<//></p></section>`;
}

function Budgets() {
  const { data } = useRead("budgets");
  const near = (data?.data ?? []).filter((one) => one.amount_nano_usd && one.spent_nano_usd >= 0.75 * one.amount_nano_usd);
  if (!data) return null;
  return html`<section><h2>Budgets near their end</h2>
    ${near.length === 0 ? html`<p class="quiet">No budget is more than three quarters spent.</p>` : html`<${Table} caption="Budgets near their end" hideCaption rows=${near.slice(0, 8)} columns=${[
      ["Budget", (row) => html`<${Text}>${row.scope === "everyone" ? "everyone" : `${row.scope} ${row.name ?? row.match ?? ""}`}<//>`, "wrap"],
      ["Spent", (row) => html`<${Money} nano=${row.spent_nano_usd} />`, "number"],
      ["Amount", (row) => html`<${Money} nano=${row.amount_nano_usd} />`, "number"],
    ]} />`}
    <p><${Link} to=${address("users", "")}>Users and budgets<//></p></section>`;
}
