// Parts that several views use.
import { html, useState } from "../vendor/preact-htm.js";
import { endpoint, read } from "./api.js";
import { age, bytes, dayTime, filterTime, fullTime, money, pretty, visible, zone } from "./format.js";
import { Link, address, FILTERS } from "./router.js";

/** Recorded text: a text node, with hidden characters made visible. */
export const Text = ({ children }) => html`<bdi>${visible([children].flat().join(""))}</bdi>`;

/** Recorded text in a cell, which is cut at its width. */
export const Name = ({ children }) => html`<bdi title=${visible(children)}>${visible(children)}</bdi>`;

export const Time = ({ at }) => html`<time datetime=${at} title=${fullTime(at)}>${dayTime(at)}</time>`;

export function Money({ nano }) {
  return nano === null || nano === undefined
    ? html`<span title="No price is known">–</span>`
    : html`<span title=${`$${(nano / 1e9).toFixed(9)}`}>${money(nano)}</span>`;
}

export function Outcome({ row }) {
  const outcome = row.outcome ?? "open";
  const label = outcome === "failed" ? `failed: ${row.error_type}` : outcome;
  return html`<span class=${"outcome " + outcome}>${label}</span>`;
}

export const Loading = () => html`<p class="quiet" role="status">Loading …</p>`;

export function Problem({ error, reload }) {
  return html`<div class="box problem" role="alert">
    <p><strong>${error.status === 403 ? "Not allowed" : "This could not be read"}</strong>: ${visible(error.message)}</p>
    ${reload && html`<button type="button" onClick=${reload}>Try again</button>`}
  </div>`;
}

/** A table that scrolls by itself where the window is narrow. `columns`: [title, cell, class]. */
export function Table({ caption, columns, rows, hideCaption, rowKey }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption class=${hideCaption ? "visually-hidden" : ""}>${caption}</caption>
      <thead><tr>${columns.map(([title, , kind]) => html`<th scope="col" class=${kind}>${title}</th>`)}</tr></thead>
      <tbody>${rows.map((row, index) => html`<tr key=${rowKey ? rowKey(row) : index}>
        ${columns.map(([, cell, kind], column) =>
          column === 0 ? html`<th scope="row" class=${kind}>${cell(row)}</th>` : html`<td class=${kind}>${cell(row)}</td>`)}
      </tr>`)}</tbody>
    </table>
  </div>`;
}

/** The time before which records are deleted by age, in milliseconds; `null` if they are kept. */
const expiry = (status) => (status.retention_seconds ? Date.now() - status.retention_seconds * 1000 : null);

/** Whether a time in milliseconds is so long ago that what was recorded then is deleted. */
export const isExpired = (status, time) => expiry(status) !== null && time <= expiry(status);

/** Why there is nothing to show, and what to do. */
export function Empty({ status, params, noun }) {
  if (!status.first_interception_at) return html`<${FirstSteps} status=${status} />`;
  const has = FILTERS.some((name) => name !== "since" && name !== "until" && params.get(name));
  const all = html`<p><${Link} to=${address(location.pathname.split("/")[2] || "overview", "", { since: "all" }, [])}>Show all ${noun}<//></p>`;
  if (isExpired(status, filterTime(params.get("until")))) {
    return html`<div class="box"><h2>Expired by retention</h2>
      <p>The chosen time is more than ${age(status.retention_seconds)} ago, and records are deleted at that age (<code>store.retention</code>).</p>${all}</div>`;
  }
  const reachesBack = isExpired(status, params.get("since") === "all" ? 0 : filterTime(params.get("since") || "24h"));
  return html`<div class="box">
    <h2>${has ? "Nothing matches" : "Nothing in this time"}</h2>
    <p>${has
      ? `No ${noun} of ${params.get("since") === "all" ? "all time" : "the chosen time"} match these filters.`
      : `There are no ${noun} in the chosen time.`}</p>
    ${reachesBack && html`<p>Records older than ${age(status.retention_seconds)} are deleted (<code>store.retention</code>), so earlier ones may have expired.</p>`}
    ${all}
  </div>`;
}

/** A request that needs no other program. Codex does not read the variables; `aibridge run` sets it up. */
const FIRST_REQUEST = `curl "$OPENAI_BASE_URL/chat/completions" -H "Authorization: Bearer $OPENAI_API_KEY" -H "Content-Type: application/json" -d '{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hello"}]}'`;

/** The three lines that make a client use the gateway. */
export function FirstSteps({ status }) {
  const origin = status.client_url ?? location.origin;
  const provider = status.providers.find((one) => one.has_keys) ?? status.providers[0] ?? { path: "/openai/v1", kind: "openai" };
  const isAnthropic = provider.kind === "anthropic";
  // Without comments: zsh does not read them in pasted lines.
  const [key, note] = status.auth_mode === "tokens"
    ? ["YOUR_ACCESS_TOKEN", "Put your access token in place of YOUR_ACCESS_TOKEN."]
    : provider.has_keys ? ["unused", "The gateway has the key of the provider."] : ["YOUR_OWN_KEY", "The gateway has no key: put your own one in place of YOUR_OWN_KEY."];
  const lines = isAnthropic
    ? [`export ANTHROPIC_BASE_URL=${origin}${provider.path.replace(/\/v1$/, "")}`, `export ANTHROPIC_AUTH_TOKEN=${key}`, "claude"]
    : [`export OPENAI_BASE_URL=${origin}${provider.path}`, `export OPENAI_API_KEY=${key}`, FIRST_REQUEST];
  return html`<div class="box">
    <h2>Nothing is recorded yet</h2>
    <p>Paste these three lines into a terminal. ${note} The first request appears under <${Link} to=${address("requests", "", { live: "on" })}>Requests<//>.</p>
    <${Copyable} text=${lines.join("\n")} label="Lines for a client" />
    <p>Or let the gateway set up an agent: <code>aibridge run codex</code></p>
    ${status.retention_seconds && html`<p class="quiet">Records older than ${age(status.retention_seconds)} are deleted (<code>store.retention</code>).</p>`}
  </div>`;
}

export function Copyable({ text, label }) {
  const [done, setDone] = useState(false);
  const copy = () => navigator.clipboard?.writeText(text).then(() => setDone(true), () => setDone(false));
  return html`<div class="copyable">
    <pre tabindex="0" role="region" aria-label=${label}>${text}</pre>
    <button type="button" onClick=${copy}>${done ? "Copied" : "Copy"}</button>
  </div>`;
}

/** A text of which only the beginning is here. The rest is read when it is asked for, at most 64 KiB. */
export function LongText({ scope, interception, kind, item, format = (text) => text }) {
  const [state, setState] = useState(null);
  const path = `${scope}interceptions/${interception}/${kind}/${item.id}`;
  const isWhole = new TextEncoder().encode(item.excerpt).length >= item.bytes;
  const load = () => read(path).then((content) => setState({ content }), (error) => setState({ error }));
  const content = state?.content;
  return html`
    <pre class="content" tabindex="0" role="group" aria-label=${kind.replace("_", " ")}><bdi>${visible(format(content ? content.text : item.excerpt))}${!content && !isWhole ? " …" : ""}</bdi></pre>
    ${!isWhole && !content && html`<button type="button" onClick=${load}>Show all ${bytes(item.bytes)}</button> `}
    ${content?.is_cut && html`<p class="quiet">Only the first 64 KiB of ${bytes(content.bytes)} are shown.</p>`}
    ${(content?.is_cut || item.bytes > 65536) && html`<a href=${endpoint(path, { download: "true" })} download>Download all ${bytes(item.bytes)}</a>`}
    ${state?.error && html`<${Problem} error=${state.error} />`}`;
}

export const prettyJson = pretty;

/** The links to the first and the next page. */
export function Pager({ view, item, params, next }) {
  const keep = [...params.keys()].filter((name) => name !== "cursor");
  if (!next && !params.get("cursor")) return null;
  return html`<nav class="pager" aria-label="Pages">
    ${params.get("cursor") && html`<${Link} to=${address(view, item, {}, keep)}>First page<//>`}
    ${next && html`<${Link} to=${address(view, item, { cursor: next }, keep)}>Next page<//>`}
  </nav>`;
}

export const ZoneNote = () => html`<p class="quiet">Times are in the zone of this browser, ${zone}.</p>`;
