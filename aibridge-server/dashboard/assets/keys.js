// Provider keys and circuits, and "try again now" for a key that cools.
import { html, useState } from "../vendor/preact-htm.js";
import { post, useRead } from "./api.js";
import { count, duration, visible } from "./format.js";
import { Loading, Problem, Table, Text, Time, ZoneNote } from "./parts.js";

const CAUSES = { rate_limited: "rate limit", quota: "no credit", rejected: "rejected by the provider" };
const CIRCUITS = { closed: "completed", half_open: "cancelled", open: "failed" };

export function Keys({ status }) {
  const keys = useRead("keys");
  const providers = useRead("providers");
  const [problem, setProblem] = useState(null);
  const error = keys.error || providers.error;
  if (error) return html`<h1>Keys and providers</h1><${Problem} error=${error} reload=${() => (keys.reload(), providers.reload())} />`;
  if (!keys.data || !providers.data) return html`<h1>Keys and providers</h1><${Loading} />`;
  const revive = async (row) => {
    await post("keys/revive", { provider: row.provider, position: row.position, hint: row.hint }).then(() => setProblem(null), setProblem);
    keys.reload();
  };
  const of = (name) => keys.data.data.filter((key) => key.provider === name).map((key, index) => ({ ...key, position: index + 1 }));
  return html`<h1>Keys and providers</h1>
    <p class="quiet">Counts begin with the start of this gateway. <button type="button" onClick=${() => (keys.reload(), providers.reload())}>Refresh</button></p>
    ${problem && html`<${Problem} error=${problem} />`}
    ${providers.data.data.map((provider) => html`<section class="box" aria-label=${visible(provider.name)}>
      <h2><${Text}>${provider.name}<//></h2>
      <p class="quiet"><code>${status.client_url ?? location.origin}${visible(provider.path)}</code> → <code>${visible(provider.base_url)}</code></p>
      ${provider.keys === 0 ? html`<p>No keys: clients bring their own.</p>` : html`<${KeyTable} rows=${of(provider.name)} name=${provider.name} revive=${revive} />`}
      <h3>Circuits</h3>
      ${provider.circuits.length === 0 ? html`<p class="quiet">No circuit failed recently.</p>` : html`<${Table} caption=${`Circuits of ${visible(provider.name)}`} hideCaption rows=${provider.circuits} columns=${[
        ["Route", (row) => html`<code>${visible(row.route)}</code>`, ""],
        ["Model", (row) => html`<${Text}>${row.model}<//>`, "wrap"],
        ["State", (row) => html`<span class=${"outcome " + CIRCUITS[row.state]}>${row.state.replace("_", " ")}</span>`, ""],
        ["Opened", (row) => count(row.trips), "number"],
        ["Rejected", (row) => count(row.rejects), "number"],
      ]} />`}
    </section>`)}
    <${ZoneNote} />`;
}

function KeyTable({ rows, name, revive }) {
  const isCooling = (row) => row.state === "cooling" || row.models.length > 0;
  const state = (row) => html`<span class=${"outcome " + (row.state === "valid" ? "completed" : "failed")}>${row.state === "valid" ? "valid" : `cooling: ${CAUSES[row.reason]}`}</span>`;
  return html`<${Table} caption=${`Keys of ${visible(name)}, in the order in which requests try them`} hideCaption rows=${rows} columns=${[
    ["Key", (row) => html`<code>${visible(row.hint)}</code>`, ""],
    ["State", state, ""],
    ["Action", (row) => (isCooling(row) ? html`<button type="button" onClick=${() => revive(row)} aria-label=${`Try again now: ${visible(row.hint)}`}>Try again now</button>` : ""), ""],
    ["Until", (row) => (row.cooling_until ? html`<${Time} at=${row.cooling_until} /> <span class="quiet">in ${duration(row.remaining_seconds * 1000)}</span>` : ""), ""],
    ["Cooling for models", (row) => row.models.map((model) => html`<div><${Text}>${model.model}<//> <span class="quiet">for ${duration(model.remaining_seconds * 1000)}</span></div>`), "wrap"],
    ["Requests", (row) => count(row.requests), "number"],
    ["Successes", (row) => count(row.successes), "number"],
    ["429", (row) => count(row.rate_limited), "number"],
    ["No credit", (row) => count(row.quota), "number"],
    ["401", (row) => count(row.rejected), "number"],
    ["403", (row) => count(row.forbidden), "number"],
  ]} />`;
}
