// The list of sessions, newest first.
import { html } from "../vendor/preact-htm.js";
import { useRead } from "./api.js";
import { Filters, filterOf } from "./filters.js";
import { allInput, between, compact, count, dayTime, duration, fullTime } from "./format.js";
import { Empty, Loading, Money, Name, Pager, Problem, Table, Text, ZoneNote } from "./parts.js";
import { Link, address } from "./router.js";

const LIMIT = 50;

export function sessionColumns(isAdmin) {
  return [
    ["Started", (row) => html`<${Link} to=${address("sessions", row.id)} title=${fullTime(row.first_at)}><time datetime=${row.first_at}>${dayTime(row.first_at)}</time><//>`, ""],
    ["Last prompt", (row) => (row.last_prompt ? html`<span class="clamp"><${Text}>${row.last_prompt}<//></span>` : html`<span class="quiet">no prompt</span>`), "prompt"],
    ...(isAdmin ? [["User", (row) => html`<${Name}>${row.user}<//>`, "name"]] : []),
    ["Client", (row) => html`<${Name}>${row.client}<//>`, "name"],
    ["Models", (row) => html`<${Name}>${row.models.join(", ")}<//>`, "name"],
    ["Requests", (row) => count(row.requests), "number"],
    ["Input tokens", (row) => compact(allInput(row)), "number"],
    ["Output tokens", (row) => compact(row.output_tokens), "number"],
    ["Cost", (row) => html`<${Money} nano=${row.cost_nano_usd} />`, "number"],
    ["Failed", (row) => (row.failed ? html`<span class="outcome failed">${count(row.failed)}</span>` : "0"), "number"],
    ["Duration", (row) => (row.ended_at ? duration(between(row.first_at, row.ended_at)) : "running"), "number"],
  ];
}

export function Sessions({ params, status, scope, isAdmin }) {
  const filter = filterOf(params, isAdmin);
  const { data, error, isLoading, reload } = useRead(scope + "sessions", { ...filter, limit: LIMIT, cursor: params.get("cursor") ?? "", last_prompt: "true" });
  return html`
    <h1>Sessions</h1>
    <${Filters} view="sessions" params=${params} isAdmin=${isAdmin} />
    ${error && html`<${Problem} error=${error} reload=${reload} />`}
    ${isLoading && html`<${Loading} />`}
    ${data && (data.data.length === 0
      ? html`<${NoSessions} status=${status} params=${params} filter=${filter} scope=${scope} />`
      : html`<${Table} caption="Sessions, the latest start first" rows=${data.data} columns=${sessionColumns(isAdmin)} rowKey=${(row) => row.id} />
          <${Pager} view="sessions" params=${params} next=${data.next_cursor} /><${ZoneNote} />`)}`;
}

/** There may be requests whose client sends no session id. */
function NoSessions({ status, params, filter, scope }) {
  const { data } = useRead(scope + "interceptions", { ...filter, limit: 1 });
  if (!data?.data.length) return html`<${Empty} status=${status} params=${params} noun="sessions" />`;
  return html`<div class="box"><h2>No session ids are recorded</h2>
    <p>The clients of these requests send none. <${Link} to=${address("requests", "")}>Show the requests<//></p></div>`;
}
