// The filters, which live in the URL. The default window is not in it: a shared link means the reader's last 24 hours.
import { html } from "../vendor/preact-htm.js";
import { useRead } from "./api.js";
import { visible } from "./format.js";
import { Link, address, go } from "./router.js";

export const WINDOWS = [["1h", "Last hour"], ["24h", "Last 24 hours"], ["7d", "Last 7 days"], ["30d", "Last 30 days"], ["90d", "Last 90 days"], ["all", "All time"]];
const DEFAULT = "24h";
const OUTCOMES = ["completed", "failed", "cancelled", "open"];

/** The parameters of a call, from those of the page. */
export function filterOf(params, isAdmin) {
  const since = params.get("since") || DEFAULT;
  const filter = { since: since === "all" ? "" : since };
  for (const name of ["until", "model", "provider", "client", "session", "outcome"]) filter[name] = params.get(name) ?? "";
  if (isAdmin) filter.user = params.get("user") ?? "";
  return filter;
}

/** The length of the window in hours; infinite without a beginning. */
export function windowHours(params) {
  const since = params.get("since") || DEFAULT;
  const match = /^(\d+)([hd])$/.exec(since);
  if (match) return Number(match[1]) * (match[2] === "d" ? 24 : 1);
  const from = Date.parse(since);
  return Number.isNaN(from) ? Infinity : ((Date.parse(params.get("until")) || Date.now()) - from) / 3600000;
}

export function Filters({ view, params, isAdmin, children }) {
  const { since } = filterOf(params, isAdmin);
  const facets = useRead(isAdmin ? "facets" : null, { since });
  const set = (name) => (event) => go(address(view, "", { [name]: event.target.value === DEFAULT ? "" : event.target.value, cursor: "" }));
  const options = (name) => {
    const found = (facets.data?.[name] ?? []).map((one) => one.value);
    const chosen = params.get(name);
    return chosen && !found.includes(chosen) ? [chosen, ...found] : found;
  };
  const window = params.get("since") || DEFAULT;
  const isListed = WINDOWS.some(([value]) => value === window);
  const choice = (name, label, values) => html`<label>${label}
    <select name=${name} onChange=${set(name)} value=${params.get(name) ?? ""}>
      <option value="">All</option>
      ${values.map((value) => html`<option value=${value} selected=${params.get(name) === value}>${visible(value).slice(0, 60)}</option>`)}
    </select></label>`;
  const names = isAdmin ? ["user", "model", "provider", "client"] : [];
  const isFiltered = ["since", "until", "user", "model", "provider", "client", "session", "outcome"].some((name) => params.get(name));
  return html`<form class="filters" role="search" aria-label="Filters" onSubmit=${(event) => event.preventDefault()}>
    <label>Time <select name="since" onChange=${set("since")} value=${window}>
      ${!isListed && html`<option value=${window} selected>Since ${window}</option>`}
      ${WINDOWS.map(([value, label]) => html`<option value=${value} selected=${window === value}>${label}</option>`)}
    </select></label>
    ${names.map((name) => choice(name, name[0].toUpperCase() + name.slice(1), options(name)))}
    ${choice("outcome", "Outcome", OUTCOMES)}
    ${params.get("session") && html`<span class="chip">Session ${visible(params.get("session")).slice(0, 40)}</span>`}
    ${params.get("until") && html`<span class="chip">Until ${visible(params.get("until")).slice(0, 40)}${/^\d/.test(params.get("until")) && /[smhdw]$/.test(params.get("until")) ? " ago" : ""}</span>`}
    ${isFiltered && html`<${Link} to=${address(view, "", {}, [])}>Reset<//>`}
    ${children}
  </form>`;
}
