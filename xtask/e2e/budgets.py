"""Coding agents and the official SDKs over their budget: one attempt each, and a message that a person understands.

    budgets.py GATEWAY_BINARY CLAUDE CODEX NODE NODE_FOLDER
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import anthropic
import openai
from agents import TEXT, Agents, Gateway, message
from scripted import Provider, Relay

BUDGET = '[[budget]]\nscope = "user"\namount = "1 USD"\n'
READABLE = f"[budgets]\nreadable_refusals = true\n{BUDGET}"
REFUSAL = re.compile(
    r"The user budget of \$1\.00 per month is used up: \$6\.\d+ spent, \$0\.00 reserved\. It resets at \d{4}-\d\d-01T00:00:00Z\."
)


def dear(number: int, body: Any) -> Any:
    """A response to a Messages request that costs six dollars and a little."""
    answer = message({**body, "stream": False}, TEXT)
    answer.body = answer.body.replace(b'"input_tokens": 10', b'"input_tokens": 1000000')
    return answer


class Lab:
    def __init__(self, folder: Path, binary: str, claude: str, codex: str, node: str, node_folder: str) -> None:
        self.provider, self.relay = Provider(), Relay()
        self.provider.begin(dear)
        self.agents, self.node, self.node_folder = Agents(folder, claude, codex, node), node, node_folder
        self.hidden = Gateway(binary, folder / "hidden", self.provider, BUDGET)
        self.readable = Gateway(binary, folder / "readable", self.provider, READABLE)
        for gateway in (self.hidden, self.readable):
            spend(gateway)
        self.provider.received.clear()

    def stop(self) -> None:
        for gateway in (self.hidden, self.readable):
            gateway.stop()
        assert not self.provider.received, "a refused request reached the provider"


def spend(gateway: Gateway) -> None:
    """Uses up the budget. The first request of a budget is always admitted."""
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    request = Request(f"{gateway.url}/anthropic/v1/messages", json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(request, timeout=20) as answer:
        assert answer.status == 200, answer.status


def read(what: str) -> None:
    print(f"         reads: {what}", flush=True)


def claude_code(lab: Lab, gateway: Gateway) -> None:
    told = lab.agents.claude(lab.relay.begin(f"{gateway.url}/anthropic"))
    assert lab.relay.attempts == [("POST", 429)], lab.relay.attempts
    assert told["is_error"] and REFUSAL.search(told["result"]), told
    read(told["result"])


def codex(lab: Lab, gateway: Gateway, status: int) -> str:
    told = lab.agents.codex(lab.relay.begin(f"{gateway.url}/openai/v1"))
    posts = [attempt for attempt in lab.relay.attempts if attempt[0] == "POST"]
    assert posts == [("POST", status)], lab.relay.attempts
    errors = [event.get("message") or event["error"]["message"] for event in told["events"] if event["type"] in ("error", "turn.failed")]
    assert errors and told["exit"] != 0, told
    read(errors[-1])
    return errors[-1]


def codex_hides(lab: Lab) -> None:
    assert "quota" in codex(lab, lab.hidden, 429).lower()


def codex_shows(lab: Lab) -> None:
    shown = codex(lab, lab.readable, 400)
    assert REFUSAL.search(shown), shown


def assert_raised(name: str, kind: str, status: int, text: str, attempts: int) -> None:
    assert (kind, status, attempts) == ("RateLimitError", 429, 1), (name, kind, status, attempts)
    assert REFUSAL.search(text), text
    read(f"{name}: {text}")


def sdks_for_python(lab: Lab) -> None:
    url, messages = lab.hidden.url, [{"role": "user", "content": "How many carrots?"}]

    def vendor(package: Any, base_url: str, http: Any) -> tuple[Any, list[int]]:
        seen: list[int] = []
        client = http(event_hooks={"response": [lambda response: seen.append(response.status_code)]})
        kind = package.OpenAI if package is openai else package.Anthropic
        return kind(base_url=base_url, api_key="sk-e2e", http_client=client), seen

    calls = {
        "chat": (openai, lambda sdk: sdk.chat.completions.create(model="gpt-4.1", messages=messages)),
        "chat stream": (openai, lambda sdk: list(sdk.chat.completions.create(model="gpt-4.1", messages=messages, stream=True))),
        "responses": (openai, lambda sdk: sdk.responses.create(model="gpt-4.1", input="How many carrots?")),
        "messages": (anthropic, lambda sdk: sdk.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=messages)),
    }
    for name, (package, call) in calls.items():
        base_url = f"{url}/openai/v1" if package is openai else f"{url}/anthropic"
        sdk, seen = vendor(package, base_url, package.DefaultHttpxClient)
        try:
            call(sdk)
        except (openai.APIStatusError, anthropic.APIStatusError) as error:
            assert_raised(name, type(error).__name__, error.status_code, str(error), len(seen))
        else:
            raise AssertionError(f"{name} is admitted")


def sdks_for_node(lab: Lab) -> None:
    script = Path(__file__).with_name("budgets.mjs")
    environment = {"NODE_FOLDER": lab.node_folder}
    played = subprocess.run([lab.node, script, lab.hidden.url], env=environment, capture_output=True, timeout=60, text=True)
    assert played.returncode == 0, played.stderr
    raised = json.loads(played.stdout)
    assert len(raised) == 4, raised
    for name, error in raised.items():
        assert error["class"], f"{name} is admitted"
        assert_raised(name, error["class"], error["status"], error["message"], error["attempts"])


SCENARIOS = {
    "Claude Code, over budget: one attempt": lambda lab: claude_code(lab, lab.hidden),
    "Claude Code, over budget with readable refusals: one attempt": lambda lab: claude_code(lab, lab.readable),
    "Codex, over budget: one attempt": codex_hides,
    "Codex, over budget with readable refusals: one attempt": codex_shows,
    "the SDKs for Python, over budget: one attempt each": sdks_for_python,
    "the SDKs for Node.js, over budget: one attempt each": sdks_for_node,
}


def main(*arguments: str) -> int:
    failed = 0
    with tempfile.TemporaryDirectory(prefix="aibridge-e2e-") as folder:
        lab = Lab(Path(folder), *arguments)
        for name, check in SCENARIOS.items():
            started = time.monotonic()
            try:
                check(lab)
                verdict, reason = "ok    ", ""
            except Exception as error:  # noqa: BLE001: the next scenario is worth a try whatever happened to this one
                failed += 1
                verdict, reason = "FAILED", str(error) if isinstance(error, AssertionError) else traceback.format_exc()
            print(f"  {verdict} {name} ({time.monotonic() - started:.2f} s)", flush=True)
            if reason:
                print("         " + reason.replace("\n", "\n         "), flush=True)
        lab.stop()
    print(f"e2e: {len(SCENARIOS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
