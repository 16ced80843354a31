// Users with their spend and budgets, and the access tokens.
import { html, useState } from "../vendor/preact-htm.js";
import { post, remove, useRead } from "./api.js";
import { Filters, filterOf } from "./filters.js";
import { allTokens, compact, count, visible } from "./format.js";
import { Copyable, Empty, Loading, Money, Problem, Table, Text, Time, ZoneNote } from "./parts.js";
import { Link, address } from "./router.js";

export function Users({ params, status }) {
  return html`
    <h1>Users and budgets</h1>
    <${Filters} view="users" params=${params} isAdmin />
    <${Spend} params=${params} status=${status} />
    <${Budgets} />
    <${Tokens} status=${status} />
    <${ZoneNote} />`;
}

function Spend({ params, status }) {
  const filter = filterOf(params, true);
  const totals = useRead("totals", { ...filter, by: "user", top: 200 });
  const recent = useRead("totals", { since: "1h", by: "user", top: 200 });
  if (totals.error) return html`<${Problem} error=${totals.error} reload=${totals.reload} />`;
  if (!totals.data) return html`<${Loading} />`;
  if (totals.data.data.length === 0) return html`<${Empty} status=${status} params=${params} noun="requests" />`;
  const perMinute = new Map((recent.data?.data ?? []).map((row) => [row.user, allTokens(row) / 60]));
  const rows = [...totals.data.data].sort((one, other) => one.is_rest - other.is_rest || (other.cost_nano_usd ?? 0) - (one.cost_nano_usd ?? 0) || allTokens(other) - allTokens(one));
  return html`<h2>Spend</h2><${Table} caption="Spend of each user" hideCaption rows=${rows} columns=${[
    ["User", (row) => (row.is_rest ? "All others" : html`<${Link} to=${address("sessions", "", { user: row.user })}><${Text}>${row.user}<//><//>`), "wrap"],
    ["Spend", (row) => html`<${Money} nano=${row.cost_nano_usd} />`, "number"],
    ["Requests", (row) => count(row.requests), "number"],
    ["Failed", (row) => count(row.failed), "number"],
    ["Tokens", (row) => compact(allTokens(row)), "number"],
    ["Tokens per minute, last hour", (row) => compact(Math.round(perMinute.get(row.user) ?? 0)), "number"],
  ]} />`;
}

function Budgets() {
  const { data, error } = useRead("budgets");
  if (error?.status === 404 || (!data && !error)) return null;
  if (error) return html`<h2>Budgets</h2><${Problem} error=${error} />`;
  return html`<h2>Budgets</h2>${data.data.length === 0
    ? html`<p class="quiet">The settings have no budgets: add <code>[[budget]]</code>.</p>`
    : html`<${Table} caption="Budgets" hideCaption rows=${data.data} columns=${budgetColumns()} />`}`;
}

/** The columns of budgets; amounts that are not there are unlimited. */
export function budgetColumns() {
  const used = (row) => (row.amount_nano_usd ? Math.min(100, Math.round((100 * row.spent_nano_usd) / row.amount_nano_usd)) : 0);
  return [
    ["Budget", (row) => html`<${Text}>${row.scope === "everyone" ? "everyone" : `${row.scope} ${row.name ?? row.match ?? ""}`}<//>`, "wrap"],
    ["Amount", (row) => (row.amount_nano_usd === null || row.amount_nano_usd === undefined ? "unlimited" : html`<${Money} nano=${row.amount_nano_usd} />`), "number"],
    ["Spent", (row) => html`<${Money} nano=${row.spent_nano_usd} />`, "number"],
    ["Used", (row) => (row.amount_nano_usd ? html`<progress max="100" value=${used(row)} aria-label="Used"></progress> ${used(row)} %` : row.amount_nano_usd === 0 ? "admits nothing" : ""), ""],
    ["Period", (row) => visible(row.period ?? ""), ""],
    ["Resets", (row) => (row.resets_at ? html`<${Time} at=${row.resets_at} />` : ""), ""],
  ];
}

function Tokens({ status }) {
  const { data, error, reload } = useRead("tokens");
  const [created, setCreated] = useState(null);
  const [problem, setProblem] = useState(null);
  const revoke = async (row) => {
    if (!confirm(`Revoke the access token ${row.hint} of ${row.user}? Its clients are refused within a second.`)) return;
    await remove(`tokens/${row.id}`).then(() => setProblem(null), setProblem);
    reload();
  };
  const state = (row) => (row.revoked_at ? "revoked" : row.expires_at && Date.parse(row.expires_at) < Date.now() ? "expired" : "valid");
  return html`<h2>Access tokens</h2>
    ${status.auth_mode === "none" && html`<p class="quiet">Clients need no access token now: <code>auth.mode</code> is <code>none</code>.</p>`}
    <${NewToken} onCreated=${(token) => (setCreated(token), reload())} />
    ${created && html`<div class="box" role="status"><p><strong>The access token of <${Text}>${created.user}<//>.</strong> It is not shown again.</p><${Copyable} text=${created.token} label="New access token" /></div>`}
    ${problem && html`<${Problem} error=${problem} />`}
    ${error && html`<${Problem} error=${error} reload=${reload} />`}
    ${data && (data.data.length === 0 ? html`<p class="quiet">There is no access token.</p>` : html`<${Table} caption="Access tokens" hideCaption rows=${[...data.data].reverse()} rowKey=${(row) => row.id} columns=${[
      ["User", (row) => html`<${Text}>${row.user}<//>`, "wrap"],
      ["Token", (row) => html`<code>${row.hint}</code>`, ""],
      ["Admin", (row) => (row.admin ? "yes" : "no"), ""],
      ["Created", (row) => html`<${Time} at=${row.created_at} />`, ""],
      ["Expires", (row) => (row.expires_at ? html`<${Time} at=${row.expires_at} />` : "never"), ""],
      ["State", (row) => html`<span class=${"outcome " + (state(row) === "valid" ? "completed" : "cancelled")}>${state(row)}</span>`, ""],
      ["Action", (row) => (state(row) === "valid" ? html`<button type="button" onClick=${() => revoke(row)} aria-label=${`Revoke ${row.hint} of ${visible(row.user)}`}>Revoke</button>` : ""), ""],
    ]} />`)}`;
}

function NewToken({ onCreated }) {
  const [user, setUser] = useState("");
  const [expires, setExpires] = useState("90d");
  const [admin, setAdmin] = useState(false);
  const [problem, setProblem] = useState(null);
  const create = async (event) => {
    event.preventDefault();
    try {
      onCreated(await post("tokens", { user, admin, ...(expires ? { expires_in: expires } : {}) }));
      setUser("");
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<form class="filters" aria-label="New access token" onSubmit=${create}>
    <label>User <input required maxlength="200" value=${user} onInput=${(event) => setUser(event.target.value)} /></label>
    <label>Expires <select value=${expires} onChange=${(event) => setExpires(event.target.value)}>
      ${[["7d", "in 7 days"], ["90d", "in 90 days"], ["365d", "in a year"], ["", "never"]].map(([value, label]) => html`<option value=${value} selected=${value === expires}>${label}</option>`)}
    </select></label>
    <label class="check"><input type="checkbox" checked=${admin} onChange=${(event) => setAdmin(event.target.checked)} /> Admin</label>
    <button type="submit">Create access token</button>
    ${problem && html`<span role="alert" class="outcome failed">${visible(problem.message)}</span>`}
  </form>`;
}
