// A user's own view: spend, budget, sessions, and the last refusals with their reasons.
import { html } from "../vendor/preact-htm.js";
import { useRead } from "./api.js";
import { Chart } from "./chart.js";
import { Filters, filterOf, windowHours } from "./filters.js";
import { allInput, allTokens, compact, count, money, visible, zone } from "./format.js";
import { series } from "./overview.js";
import { Empty, Loading, Money, Outcome, Problem, Table, Text, Time, ZoneNote } from "./parts.js";
import { Link, address } from "./router.js";
import { sessionColumns } from "./sessions.js";
import { budgetColumns } from "./users.js";

const LIMIT = 10;

export function Me({ params, status }) {
  const filter = filterOf(params, false);
  const interval = windowHours(params) > 72 ? "day" : "hour";
  const timeZone = interval === "day" ? status.time_zone : zone;
  const sums = useRead("me/totals", filter);
  const byTime = useRead("me/totals", { ...filter, by: "model", interval, time_zone: timeZone, top: 8 });
  const sessions = useRead("me/sessions", { ...filter, limit: LIMIT, last_prompt: "true" });
  const failures = useRead("me/interceptions", { ...filter, outcome: "failed", limit: LIMIT });
  const budget = useRead("me");
  const total = sums.data?.data[0];
  const hasCost = Boolean(total?.cost_nano_usd);
  const item = (label, value) => html`<div class="tile"><dt>${label}</dt><dd>${value}</dd></div>`;
  return html`
    <h1>Me: <${Text}>${status.user}<//></h1>
    <${Filters} view="me" params=${params} isAdmin=${false} />
    ${sums.error && html`<${Problem} error=${sums.error} reload=${sums.reload} />`}
    ${sums.isLoading && html`<${Loading} />`}
    ${budget.data && html`<${Budget} data=${budget.data} />`}
    ${sums.data && (!total || total.requests === 0) && html`<${Empty} status=${status} params=${params} noun="requests" />`}
    ${total?.requests > 0 && html`
      <dl class="tiles">
        ${item("Spend", html`<${Money} nano=${total.cost_nano_usd} />`)}
        ${item("Requests", count(total.requests))}
        ${item("Failed", count(total.failed))}
        ${item("Input tokens", compact(allInput(total)))}
        ${item("Output tokens", compact(total.output_tokens))}
      </dl>
      ${byTime.data && html`<${Chart} title=${`${hasCost ? "Spend" : "Tokens"} by model, each ${interval}`} interval=${interval} timeZone=${timeZone}
        ...${series(byTime.data.data, "model", (row) => (hasCost ? (row.cost_nano_usd ?? 0) / 1e9 : allTokens(row)))}
        format=${hasCost ? (number) => money(number * 1e9) : compact} />`}
      <h2>Latest sessions</h2>
      ${sessions.data && (sessions.data.data.length === 0 ? html`<p class="quiet">No sessions in this time.</p>` : html`<${Table} caption="Latest sessions" hideCaption rows=${sessions.data.data} columns=${sessionColumns(false)} rowKey=${(row) => row.id} />`)}
      <h2>Last failures</h2>
      ${failures.data && (failures.data.data.length === 0 ? html`<p class="quiet">Nothing failed in this time.</p>` : html`<${Table} caption="Last failures" hideCaption rows=${failures.data.data} rowKey=${(row) => row.id} columns=${[
        ["Started", (row) => html`<${Link} to=${address("requests", row.id)}><${Time} at=${row.started_at} /><//>`, ""],
        ["Why", (row) => html`<${Outcome} row=${row} />`, ""],
        ["Status", (row) => row.upstream_status ?? "–", "number"],
        ["Model", (row) => html`<${Text}>${row.model}<//>`, "wrap"],
      ]} />`)}`}
    <${ZoneNote} />${interval === "day" && html`<p class="quiet">Days of the chart begin at midnight, ${timeZone}.</p>`}`;
}

function Budget({ data }) {
  const budgets = data.budgets ?? [];
  const refusals = data.refusals ?? [];
  return html`
    ${budgets.length > 0 && html`<h2>Budgets</h2><${Table} caption="Budgets" hideCaption rows=${budgets} columns=${budgetColumns()} />`}
    ${refusals.length > 0 && html`<h2>Last refusals</h2><${Table} caption="Last refusals" hideCaption rows=${refusals} columns=${[
      ["Time", (row) => html`<${Time} at=${row.at} />`, ""],
      ["Why", (row) => visible(row.message), "wrap"],
    ]} />`}`;
}
