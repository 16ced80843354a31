// Calls of /api/v1. Every answer is JSON; nothing here is drawn as HTML.
import { useCallback, useEffect, useRef, useState } from "../vendor/preact-htm.js";

/** An answer that is not a success, or none at all (status 0). */
export class CallError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let onLoggedOut = () => {};
/** Sets what happens when the session is over. */
export const whenLoggedOut = (callback) => (onLoggedOut = callback);

async function call(method, url, body, signal) {
  let answer;
  try {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const text = body === undefined ? undefined : JSON.stringify(body);
    answer = await fetch(url, { method, headers, body: text, signal, credentials: "same-origin", redirect: "error" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new CallError(0, "unreachable", "The gateway does not answer.");
  }
  const text = await answer.text();
  let content = null;
  try {
    content = text ? JSON.parse(text) : null;
  } catch {
    content = null;
  }
  if (answer.ok) return content;
  const { code = "error", message = `The gateway answered ${answer.status}.` } = content?.error ?? {};
  if (answer.status === 401 && !url.endsWith("/login")) onLoggedOut();
  throw new CallError(answer.status, code, message);
}

/** The address of an endpoint with parameters; empty ones are left out. */
export function endpoint(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== "" && value !== null) query.set(name, value);
  const text = query.toString();
  return "/api/v1/" + path + (text && "?" + text);
}

// The gateway reads records on four threads. One page uses two of them, so that others can look as well.
const MAX_READS = 2;
let reads = 0;
const waiting = [];

async function inTurn(run) {
  if (reads >= MAX_READS) await new Promise((begin) => waiting.push(begin));
  else reads += 1;
  try {
    return await run();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else reads -= 1;
  }
}

/** Reads an endpoint. If all readers of the gateway are busy, it tries again a few times. */
export async function read(path, params, signal) {
  // A call that waits for changes takes no turn from the others.
  const turn = path.endsWith("live") ? (run) => run() : inTurn;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await turn(() => call("GET", endpoint(path, params), undefined, signal));
    } catch (error) {
      if (error.code !== "too_many_readers" || attempt >= 8) throw error;
      await new Promise((done) => setTimeout(done, 300 * (attempt + 1)));
    }
  }
}

export const post = (path, body) => call("POST", endpoint(path), body);
export const remove = (path) => call("DELETE", endpoint(path));
export const logIn = (token) => call("POST", "/dashboard/login", { token });
export const logOut = () => call("POST", "/dashboard/logout", {});

/** Reads an endpoint when its parameters change: `{data, error, isLoading, reload}`. A path of `null` reads nothing. */
export function useRead(path, params = {}) {
  const url = path === null ? null : endpoint(path, params);
  const [state, setState] = useState({ url: null, data: null, error: null });
  const [round, setRound] = useState(0);
  const latest = useRef(null);
  useEffect(() => {
    if (url === null) return undefined;
    const abort = new AbortController();
    latest.current = abort;
    read(path, params, abort.signal).then(
      (data) => setState({ url, data, error: null }),
      (error) => error.name === "AbortError" || setState((old) => ({ url, data: old.url === url ? old.data : null, error })),
    );
    return () => abort.abort();
  }, [url, round]);
  const reload = useCallback(() => setRound((number) => number + 1), []);
  const isCurrent = state.url === url;
  return { data: isCurrent ? state.data : null, error: isCurrent ? state.error : null, isLoading: url !== null && !isCurrent, reload };
}
