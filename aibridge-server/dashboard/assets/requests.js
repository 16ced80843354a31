// Every interception, with a live tail, and one interception.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { endpoint, read, useRead } from "./api.js";
import { Filters, filterOf } from "./filters.js";
import { allInput, allTokens, between, compact, count, dayTime, duration, fullTime, timeOfDay, visible } from "./format.js";
import { Empty, Loading, LongText, Money, Name, Outcome, Pager, Problem, Table, Text, Time, ZoneNote } from "./parts.js";
import { Link, address, go } from "./router.js";
import { Gone, Step } from "./session.js";

const LIMIT = 50;
const MAX_LIVE = 500;

/** Whether a request has ended without a report of its tokens. */
const isUnknown = (row) => row.ended_at && allTokens(row) === 0;

function columns(isAdmin) {
  return [
    ["Started", (row) => html`<${Link} to=${address("requests", row.id)} title=${fullTime(row.started_at)}><time datetime=${row.started_at}>${dayTime(row.started_at)}:${timeOfDay(row.started_at).slice(6)}</time><//>`, ""],
    ["Outcome", (row) => html`<${Outcome} row=${row} />`, ""],
    ["Status", (row) => row.upstream_status ?? "–", "number"],
    ...(isAdmin ? [["User", (row) => html`<${Name}>${row.initiator_id}<//>`, "name"]] : []),
    ["Model", (row) => html`<${Name}>${row.model}<//>`, "name"],
    ["Provider", (row) => html`<${Name}>${row.provider_name}<//>`, "name"],
    ["Client", (row) => html`<${Name}>${row.client}<//>`, "name"],
    ["Duration", (row) => (row.ended_at ? duration(between(row.started_at, row.ended_at)) : "running"), "number"],
    ["Input tokens", (row) => (isUnknown(row) ? "–" : compact(allInput(row))), "number"],
    ["Output tokens", (row) => (isUnknown(row) ? "–" : compact(row.output_tokens)), "number"],
    ["Cost", (row) => html`<${Money} nano=${row.cost_nano_usd} />`, "number"],
  ];
}

/** Interceptions that started or ended since the tail was turned on, newest first. */
function useTail(scope, filter, isOn) {
  const [state, setState] = useState({ rows: [], error: null, missed: false });
  const key = JSON.stringify(filter);
  useEffect(() => {
    if (!isOn) return setState({ rows: [], error: null, missed: false });
    const abort = new AbortController();
    const follow = async () => {
      let after = "";
      while (!abort.signal.aborted) {
        try {
          const page = await read(scope + "live", { ...filter, since: "", until: "", after, wait: after ? 20 : 0 }, abort.signal);
          after = page.after;
          setState((old) => ({ rows: merged(old.rows, page.data), error: null, missed: old.missed || page.missed }));
        } catch (error) {
          if (error.name === "AbortError") return;
          setState((old) => ({ ...old, error }));
          await new Promise((done) => setTimeout(done, 3000));
        }
      }
    };
    follow();
    return () => abort.abort();
  }, [scope, key, isOn]);
  return state;
}

/** The rows with the changes: an interception that ended replaces itself. */
export function merged(rows, changes) {
  const all = new Map(rows.map((row) => [row.id, row]));
  for (const row of changes) all.set(row.id, row);
  return [...all.values()].sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, MAX_LIVE);
}

export function Requests({ params, status, scope, isAdmin }) {
  const filter = filterOf(params, isAdmin);
  const isLive = params.get("live") === "on";
  const list = useRead(scope + "interceptions", { ...filter, limit: LIMIT, cursor: params.get("cursor") ?? "" });
  const tail = useTail(scope, filter, isLive);
  const keep = [...params.keys()].filter((name) => name !== "cursor");
  const toggle = (event) => go(address("requests", "", { live: event.target.checked ? "on" : "" }, keep));
  const rows = merged(list.data?.data ?? [], tail.rows);
  return html`
    <h1>Requests</h1>
    <${Filters} view="requests" params=${params} isAdmin=${isAdmin}>
      <label class="check"><input type="checkbox" checked=${isLive} onChange=${toggle} /> Live tail</label>
    <//>
    ${isLive && html`<p class="quiet" role="status">${tail.error ? `Live tail: ${visible(tail.error.message)} Trying again.` : `Live tail is on: ${count(tail.rows.length)} new or changed.`}${tail.missed ? " Some are missing; reload the page." : ""}</p>`}
    ${list.error && html`<${Problem} error=${list.error} reload=${list.reload} />`}
    ${list.isLoading && html`<${Loading} />`}
    ${list.data && (rows.length === 0
      ? html`<${Empty} status=${status} params=${params} noun="requests" />`
      : html`<${Table} caption="Requests, newest first" rows=${rows} columns=${columns(isAdmin)} rowKey=${(row) => row.id} />
          ${!isLive && html`<${Pager} view="requests" params=${params} next=${list.data.next_cursor} />`}<${ZoneNote} />`)}`;
}

/** The id before `id`, because the cursor of a timeline is exclusive. */
export function before(id) {
  const number = BigInt("0x" + id.replaceAll("-", "")) - 1n;
  const text = number.toString(16).padStart(32, "0");
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

export function Request({ id, scope, status }) {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
  const { data, error, reload } = useRead(isId ? `${scope}sessions/${id}/timeline` : null, { limit: 1, cursor: isId ? before(id) : "" });
  if (!isId || error?.status === 404 || (data && data.data[0]?.id !== id)) return html`<${Gone} status=${status} noun="request" id=${id} />`;
  if (error) return html`<h1>Request</h1><${Problem} error=${error} reload=${reload} />`;
  if (!data) return html`<h1>Request</h1><${Loading} />`;
  const row = data.data[0];
  const item = (label, value) => (value === null || value === "" ? null : html`<div><dt>${label}</dt><dd>${value}</dd></div>`);
  const raw = endpoint(`${scope}interceptions/${id}`);
  return html`
    <p><${Link} to=${address("requests", "")}>All requests<//></p>
    <h1>Request</h1>
    <dl class="box facts">
      ${item("Id", html`<code>${row.id}</code>`)}
      ${item("Started", html`<${Time} at=${row.started_at} />`)}
      ${item("Outcome", html`<${Outcome} row=${row} />`)}
      ${item("Status of the provider", row.upstream_status)}
      ${item("User", html`<${Text}>${row.initiator_id}<//>`)}
      ${item("Client", html`<${Text}>${row.client}<//>`)}
      ${item("User agent", row.user_agent && html`<${Text}>${row.user_agent}<//>`)}
      ${item("Model", html`<${Text}>${row.model}<//>`)}
      ${item("Provider", html`<${Text}>${row.provider_name}<//>`)}
      ${item("Route", html`<code>${visible(row.route)}</code>`)}
      ${item("Key", html`<code>${visible(row.credential_hint) || "–"}</code> ${row.credential_kind === "byok" ? "of the client" : "of the gateway"}`)}
      ${item("Duration", row.ended_at ? duration(between(row.started_at, row.ended_at)) : "running")}
      ${isUnknown(row)
        ? item("Tokens", html`<span class="quiet">not recorded: the provider reported none</span>`)
        : html`${item("Input tokens", `${count(allInput(row))}, ${count(row.cache_read_input_tokens)} of them cached`)}
          ${item("Output tokens", count(row.output_tokens))}`}
      ${item("Cost", html`<${Money} nano=${row.cost_nano_usd} />`)}
    </dl>
    <p><${Link} to=${address("sessions", row.id)}>The whole session<//> · <a href=${raw} download=${`interception-${id}.json`}>The raw record as JSON</a></p>
    <section class="box card" aria-label="Content">
      ${row.prompts.length === 0
        ? html`<p class="quiet">No prompt was recorded: the last message of this request is not one of a user.</p>`
        : html`<${Prompts} row=${row} scope=${scope} />`}
      <ol class="steps"><${Step} step=${row} scope=${scope} calls=${new Map()} isAlone /></ol>
    </section>
    <${ZoneNote} />`;
}

function Prompts({ row, scope }) {
  return row.prompts.map((prompt) => html`<div class="prompt-text"><h2>Prompt</h2>
    <${LongText} scope=${scope} interception=${row.id} kind="prompts" item=${prompt} /></div>`);
}
