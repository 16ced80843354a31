// The log-in: an access token, pasted once. The browser keeps only the cookie of the session.
import { html, useState } from "../vendor/preact-htm.js";
import { logIn } from "./api.js";
import { visible } from "./format.js";

export function Login({ onDone, reason }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await logIn(token);
      setToken("");
      onDone();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return html`<main class="login" id="main">
    <h1>aibridge</h1>
    ${reason && html`<p>${reason}</p>`}
    <form class="box" onSubmit=${submit}>
      <label>Access token
        <input type="password" name="token" autocomplete="off" spellcheck=${false} required autofocus value=${token}
          aria-invalid=${problem ? "true" : undefined} aria-describedby="token-help" onInput=${(event) => setToken(event.target.value)} /></label>
      <p id="token-help" class="quiet">It begins with <code>aib_</code>. An administrator creates one with <code>aibridge token create --user NAME</code>; with <code>--admin</code> it shows the records of everyone.</p>
      ${problem && html`<p role="alert" class="outcome failed">${visible(problem.message)}</p>`}
      <button type="submit" disabled=${isBusy}>Log in</button>
    </form>
  </main>`;
}
