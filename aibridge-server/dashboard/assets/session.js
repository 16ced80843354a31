// One session: a card for each prompt with the agent loop that follows it, and the search inside.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { endpoint, read, useRead } from "./api.js";
import { age, allInput, allTokens, between, compact, count, duration, fullTime, idTime, plural, pretty, timeOfDay, visible } from "./format.js";
import { Loading, LongText, Money, Outcome, Problem, Text, Time, ZoneNote, isExpired } from "./parts.js";
import { Link, address } from "./router.js";

const PAGE = 100;

/** The steps of a session, read page by page. */
function useTimeline(path) {
  const [state, setState] = useState({ steps: [], next: "", isLoading: true, error: null });
  const reading = useRef(null);
  const loadNext = async (now) => {
    reading.current?.abort();
    const abort = (reading.current = new AbortController());
    setState({ ...now, isLoading: true, error: null });
    try {
      const page = await read(path, { limit: PAGE, cursor: now.next }, abort.signal);
      const state = { steps: [...now.steps, ...page.data], next: page.next_cursor, isLoading: false, error: null };
      setState(state);
      return state;
    } catch (error) {
      if (error.name !== "AbortError") setState({ ...now, isLoading: false, error });
      return null;
    }
  };
  useEffect(() => {
    loadNext({ steps: [], next: "", isLoading: true, error: null });
    return () => reading.current?.abort();
  }, [path]);
  /** Reads pages until the step is there. */
  const reach = async (id) => {
    let now = state;
    while (now && !now.steps.some((step) => step.id === id) && now.next) now = await loadNext(now);
  };
  return { ...state, loadNext: () => loadNext(state), reach };
}

/** A card begins with each prompt. */
export function cards(steps) {
  const all = [];
  for (const step of steps) {
    if (all.length === 0 || step.prompts.length) all.push({ id: step.id, prompts: step.prompts, steps: [] });
    all[all.length - 1].steps.push(step);
  }
  return all;
}

function scrollToItem(id) {
  requestAnimationFrame(() => {
    const target = document.getElementById("item-" + id);
    for (let parent = target; parent; parent = parent.parentElement) if (parent.tagName === "DETAILS") parent.open = true;
    target?.scrollIntoView({ block: "center" });
    target?.focus({ preventScroll: true });
  });
}

export function Session({ id, scope, status }) {
  const session = useRead(`${scope}sessions/${id}`);
  const timeline = useTimeline(`${scope}sessions/${id}/timeline`);
  const show = async (interception, item) => {
    await timeline.reach(interception);
    scrollToItem(item ?? interception);
  };
  if (session.error?.status === 404 || session.error?.status === 400) return html`<${Gone} status=${status} noun="session" id=${id} />`;
  if (session.error) return html`<h1>Session</h1><${Problem} error=${session.error} reload=${session.reload} />`;
  if (!session.data) return html`<h1>Session</h1><${Loading} />`;
  const row = session.data;
  const calls = new Map(timeline.steps.flatMap((step) => step.tool_calls.map((call) => [call.provider_tool_call_id, call])));
  return html`
    <p><${Link} to=${address("sessions", "")}>All sessions<//></p>
    <h1>Session of <${Text}>${row.user}<//></h1>
    <${Summary} row=${row} />
    <div class="choices">
      <${Search} path=${`${scope}sessions/${id}/search`} show=${show} />
      ${row.first_failure_id && html`<button type="button" onClick=${() => show(row.first_failure_id)}>Jump to the first failure</button>`}
    </div>
    ${cards(timeline.steps).map((card, index) => html`<${Card} key=${card.id} card=${card} number=${index + 1} scope=${scope} calls=${calls} />`)}
    ${timeline.error && html`<${Problem} error=${timeline.error} reload=${timeline.loadNext} />`}
    ${timeline.isLoading && html`<${Loading} />`}
    ${!timeline.isLoading && timeline.next && html`<p><button type="button" onClick=${timeline.loadNext}>Show more of ${plural(row.requests, "request")}</button></p>`}
    <${ZoneNote} />`;
}

/** A session or request that is not there. Its id has the time of its start, so that an expired one is known. */
export function Gone({ status, noun, id }) {
  const time = idTime(id);
  if (isExpired(status, time)) {
    return html`<h1>Expired by retention</h1><div class="box"><p>This ${noun} of <${Time} at=${new Date(time).toISOString()} /> is deleted:
      records are kept for ${age(status.retention_seconds)} (<code>store.retention</code>).</p></div><${ZoneNote} />`;
  }
  return html`<h1>No such ${noun}</h1><div class="box"><p>It does not exist, or it belongs to somebody else.
    ${status.retention_seconds ? ` Records are kept for ${age(status.retention_seconds)}.` : " Records are not deleted by age here."}</p></div>`;
}

function Summary({ row }) {
  const item = (label, value) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`;
  return html`<dl class="box facts">
    ${item("Started", html`<${Time} at=${row.first_at} />`)}
    ${item("Duration", row.ended_at ? duration(between(row.first_at, row.ended_at)) : "running")}
    ${item("Client", html`<${Text}>${row.client}<//>`)}
    ${item("Models", html`<${Text}>${row.models.join(", ")}<//>`)}
    ${item("Requests", count(row.requests))}
    ${item("Tool calls", count(row.tool_calls))}
    ${item("Failed", row.failed ? html`<span class="outcome failed">${count(row.failed)}</span>` : "0")}
    ${item("Input tokens", html`${compact(allInput(row))} <small class="quiet">${compact(row.cache_read_input_tokens)} cached</small>`)}
    ${item("Output tokens", compact(row.output_tokens))}
    ${item("Cost", html`<${Money} nano=${row.cost_nano_usd} />`)}
    ${row.session && item("Session id", html`<code><${Text}>${row.session}<//></code>`)}
  </dl>`;
}

function Search({ path, show }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState(null);
  const [position, setPosition] = useState(-1);
  const search = async (event) => {
    event.preventDefault();
    if (!text.trim()) return setFound(null);
    try {
      const { data } = await read(path, { text: text.trim() });
      setFound(data);
      setPosition(-1);
      if (data.length) step(data, 0);
    } catch (error) {
      setFound({ error });
    }
  };
  const step = (matches, index) => {
    setPosition(index);
    show(matches[index].interception_id, matches[index].id);
  };
  const matches = Array.isArray(found) ? found : [];
  const total = matches.reduce((sum, one) => sum + one.matches, 0);
  return html`<form class="search" role="search" aria-label="Search in this session" onSubmit=${search}>
    <label>Search in this session <input type="search" value=${text} maxlength="200" onInput=${(event) => setText(event.target.value)} /></label>
    <button type="submit">Search</button>
    ${matches.length > 0 && html`
      <button type="button" disabled=${position <= 0} onClick=${() => step(matches, position - 1)}>Previous</button>
      <button type="button" disabled=${position >= matches.length - 1} onClick=${() => step(matches, position + 1)}>Next</button>`}
    <span role="status">${found && (found.error ? visible(found.error.message) : `${plural(total, "match")}`.replace("matchs", "matches") + ` in ${plural(matches.length, "text")}` + (position >= 0 ? `, text ${position + 1}` : ""))}</span>
  </form>`;
}

function Card({ card, number, scope, calls }) {
  return html`<section class="box card" aria-label=${`Prompt ${number}`}>
    ${card.prompts.length === 0
      ? html`<p class="quiet">No prompt was recorded: the last message of this request is not one of a user.</p>`
      : card.prompts.map((prompt) => html`<div id=${"item-" + prompt.id} tabindex="-1" class="prompt-text">
          <h2>Prompt ${number}</h2><${LongText} scope=${scope} interception=${card.id} kind="prompts" item=${prompt} /></div>`)}
    <ol class="steps">${card.steps.map((step) => html`<${Step} key=${step.id} step=${step} scope=${scope} calls=${calls} />`)}</ol>
  </section>`;
}

/** One interception of a session, or the only one of a page of its own. */
export function Step({ step, scope, calls, isAlone }) {
  const answers = step.correlating_tool_call_id && calls.get(step.correlating_tool_call_id);
  return html`<li id=${"item-" + step.id} tabindex="-1" class=${step.outcome === "failed" ? "step failed" : "step"}>
    <p class="line"><time datetime=${step.started_at} title=${fullTime(step.started_at)}>${timeOfDay(step.started_at)}</time> <strong><${Text}>${step.model}<//></strong> <${Outcome} row=${step} />
      ${" "}<span>${duration(between(step.started_at, step.ended_at))}</span>
      ${allTokens(step) > 0 && html` <span class="quiet">${compact(allInput(step))} tokens in, ${compact(step.output_tokens)} out</span> <${Money} nano=${step.cost_nano_usd} />`}
      ${!isAlone && html` <${Link} to=${address("requests", step.id)}>Details<//>`}</p>
    ${answers && html`<p class="quiet">after <a href=${"#item-" + answers.id} onClick=${(event) => (event.preventDefault(), scrollToItem(answers.id))}>${visible(answers.tool)}</a></p>`}
    ${step.reasoning.map((thought) => html`<details id=${"item-" + thought.id} tabindex="-1"><summary>Reasoning <span class="quiet excerpt"><${Text}>${thought.excerpt.slice(0, 80)}<//></span></summary>
      <${LongText} scope=${scope} interception=${step.id} kind="reasoning" item=${thought} /></details>`)}
    ${step.tool_calls.map((call) => html`<${ToolCall} key=${call.id} call=${call} step=${step} scope=${scope} />`)}
    ${step.has_more_items && html`<p class="quiet">More items are in the <a href=${endpoint(`${scope}interceptions/${step.id}`)}>raw record</a>.</p>`}
  </li>`;
}

/** The input of a tool call is drawn when it is opened: a session may have thousands. */
function ToolCall({ call, step, scope }) {
  const [isOpen, setOpen] = useState(false);
  return html`<details id=${"item-" + call.id} tabindex="-1" class="tool" onToggle=${(event) => setOpen(event.target.open)}>
    <summary><code><${Text}>${call.tool}<//></code> <span class="quiet excerpt"><${Text}>${call.excerpt.slice(0, 100)}<//></span>
      ${call.invocation_error && html` <span class="outcome failed">failed</span>`}</summary>
    ${isOpen && html`
      ${call.server_url && html`<p class="quiet">Server <${Text}>${call.server_url}<//></p>`}
      ${call.invocation_error && html`<p><${Text}>${call.invocation_error}<//></p>`}
      <${LongText} scope=${scope} interception=${step.id} kind="tool_calls" item=${call} format=${pretty} />`}
  </details>`;
}
