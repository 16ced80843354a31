// The view and the filters live in the URL, so that a link shows what its sender saw.
import { html, useEffect, useState } from "../vendor/preact-htm.js";

const ROOT = "/dashboard";
const listeners = new Set();

/** The filters that every view has. They stay when another view is opened. */
export const FILTERS = ["since", "until", "user", "model", "provider", "client", "session", "outcome"];

/** The view, the item and the parameters of the address. */
export function current() {
  const [view = "", item = ""] = location.pathname.slice(ROOT.length + 1).split("/");
  return { view: view || "overview", item: decodeURIComponent(item), params: new URLSearchParams(location.search) };
}

/** The address of a view. `changes` replaces parameters; an empty value removes one. */
export function address(view, item, changes = {}, keep = FILTERS) {
  const params = new URLSearchParams();
  const now = new URLSearchParams(location.search);
  for (const name of keep) if (now.get(name)) params.set(name, now.get(name));
  for (const [name, value] of Object.entries(changes)) value ? params.set(name, value) : params.delete(name);
  const path = [view === "overview" ? "" : view, item].filter(Boolean).map(encodeURIComponent).join("/");
  const query = params.toString();
  return ROOT + (path && "/" + path) + (query && "?" + query);
}

export function go(url, replace = false) {
  history[replace ? "replaceState" : "pushState"](null, "", url);
  listeners.forEach((listener) => listener());
}

/** The present address; the component is drawn again when it changes. */
export function useAddress() {
  const [now, setNow] = useState(current);
  useEffect(() => {
    const update = () => setNow(current());
    listeners.add(update);
    addEventListener("popstate", update);
    return () => {
      listeners.delete(update);
      removeEventListener("popstate", update);
    };
  }, []);
  return now;
}

/** A link within the page. */
export function Link({ to, children, ...rest }) {
  const follow = (event) => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
    scrollTo(0, 0);
  };
  return html`<a href=${to} onClick=${follow} ...${rest}>${children}</a>`;
}
