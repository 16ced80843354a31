// The frame of the page: who is here, the navigation, and the view of the address.
import { html, render, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { logOut, read, whenLoggedOut } from "./api.js";
import { Keys } from "./keys.js";
import { Login } from "./login.js";
import { Me } from "./me.js";
import { Overview } from "./overview.js";
import { Loading, Problem } from "./parts.js";
import { Request, Requests } from "./requests.js";
import { Link, address, useAddress } from "./router.js";
import { Session } from "./session.js";
import { Sessions } from "./sessions.js";
import { Users } from "./users.js";

const VIEWS = [["overview", "Overview", true], ["sessions", "Sessions"], ["requests", "Requests"], ["users", "Users and budgets", true], ["keys", "Keys and providers", true], ["me", "Me"]];

function View({ now, status }) {
  const isAdmin = status.is_admin;
  const scope = isAdmin ? "" : "me/";
  const common = { params: now.params, status, scope, isAdmin };
  switch (now.view) {
    case "sessions":
      return now.item ? html`<${Session} key=${now.item} id=${now.item} ...${common} />` : html`<${Sessions} ...${common} />`;
    case "requests":
      return now.item ? html`<${Request} key=${now.item} id=${now.item} ...${common} />` : html`<${Requests} ...${common} />`;
    case "users":
      return isAdmin ? html`<${Users} ...${common} />` : html`<${Me} ...${common} />`;
    case "keys":
      return isAdmin ? html`<${Keys} ...${common} />` : html`<${Me} ...${common} />`;
    case "me":
      return html`<${Me} ...${common} />`;
    default:
      return isAdmin ? html`<${Overview} ...${common} />` : html`<${Me} ...${common} />`;
  }
}

function App() {
  const now = useAddress();
  const [state, setState] = useState({ status: null, error: null, isLoggedOut: false, reason: null });
  const main = useRef(null);
  const load = () => read("status").then(
    (status) => setState({ status, error: null, isLoggedOut: false, reason: null }),
    (error) => setState({ status: null, error: error.status === 401 ? null : error, isLoggedOut: error.status === 401, reason: null }),
  );
  useEffect(() => {
    whenLoggedOut(() => setState((old) => ({ ...old, isLoggedOut: true, reason: old.status ? "The session is over. Log in again." : null })));
    load();
  }, []);
  const place = now.view + "/" + now.item;
  const last = useRef(place);
  useEffect(() => {
    const name = VIEWS.find(([view]) => view === now.view)?.[1] ?? "aibridge";
    document.title = `${name} – aibridge`;
    if (last.current !== place) main.current?.focus();
    last.current = place;
  }, [place]);
  if (state.isLoggedOut) return html`<${Login} reason=${state.reason} onDone=${load} />`;
  if (state.error) return html`<main id="main"><h1>aibridge</h1><${Problem} error=${state.error} reload=${load} /></main>`;
  if (!state.status) return html`<main id="main"><h1>aibridge</h1><${Loading} /></main>`;
  const { status } = state;
  const leave = () => logOut().finally(() => setState({ status: null, error: null, isLoggedOut: true, reason: "You are logged out." }));
  const shown = VIEWS.filter(([, , adminOnly]) => status.is_admin || !adminOnly);
  const active = now.view === "overview" && !status.is_admin ? "me" : now.view;
  return html`
    <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), main.current?.focus())}>Skip to the content</a>
    <header>
      <strong>aibridge</strong>
      <nav aria-label="Views"><ul>${shown.map(([view, label]) => html`<li><${Link} to=${address(view, "")} aria-current=${view === active ? "page" : undefined}>${label}<//></li>`)}</ul></nav>
      ${status.auth_mode === "tokens" && html`<button type="button" onClick=${leave}>Log out</button>`}
    </header>
    <main id="main" tabindex="-1" ref=${main}><${View} now=${now} status=${status} /></main>
    <footer class="quiet">aibridge ${status.version}</footer>`;
}

render(html`<${App} />`, document.getElementById("app"));
