"""Coding agents and the official SDKs that exceed a budget: each makes one attempt, and shows the message of the refusal.

    budgets.py GATEWAY_BINARY CLAUDE CODEX NODE NODE_FOLDER
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import anthropic
import openai
import runner
from agents import TEXT, Agents, Gateway, message
from scripted import Provider, Relay

BUDGET = '[[budget]]\nscope = "user"\namount = "1 USD"\n'
READABLE = f"[budgets]\nreadable_refusals = true\n{BUDGET}"
REFUSAL = re.compile(
    r"The user budget of \$1\.00 per month is used up: \$6\.\d+ spent, \$0\.00 reserved\. It resets at \d{4}-\d\d-01T00:00:00Z\."
)


def expensive(number: int, body: Any) -> Any:
    """A response to a Messages request that costs a little more than six dollars."""
    response = message({**body, "stream": False}, TEXT)
    response.body = response.body.replace(b'"input_tokens": 10', b'"input_tokens": 1000000')
    return response


class Environment:
    """The agents, the provider, and gateways whose budget is used up."""

    def __init__(self, folder: Path, binary: str, claude: str, codex: str, node: str, node_folder: str) -> None:
        self.provider, self.relay = Provider(), Relay()
        self.provider.begin(expensive)
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
    with urlopen(request, timeout=20) as response:
        assert response.status == 200, response.status


def show(text: str) -> None:
    """Prints a text that a user would read."""
    print(f"         shows: {text}", flush=True)


def claude_code(lab: Environment, gateway: Gateway) -> None:
    output = lab.agents.claude(lab.relay.begin(f"{gateway.url}/anthropic"))
    assert lab.relay.attempts == [("POST", 429)], lab.relay.attempts
    assert output["is_error"] and REFUSAL.search(output["result"]), output
    show(output["result"])


def codex(lab: Environment, gateway: Gateway, status: int) -> str:
    output = lab.agents.codex(lab.relay.begin(f"{gateway.url}/openai/v1"))
    posts = [attempt for attempt in lab.relay.attempts if attempt[0] == "POST"]
    assert posts == [("POST", status)], lab.relay.attempts
    errors = [event.get("message") or event["error"]["message"] for event in output["events"] if event["type"] in ("error", "turn.failed")]
    assert errors and output["exit"] != 0, output
    show(errors[-1])
    return errors[-1]


def codex_hides(lab: Environment) -> None:
    assert "quota" in codex(lab, lab.hidden, 429).lower()


def codex_shows(lab: Environment) -> None:
    shown = codex(lab, lab.readable, 400)
    assert REFUSAL.search(shown), shown


def assert_raised(name: str, kind: str, status: int, text: str, attempts: int) -> None:
    assert (kind, status, attempts) == ("RateLimitError", 429, 1), (name, kind, status, attempts)
    assert REFUSAL.search(text), text
    show(f"{name}: {text}")


def sdks_for_python(lab: Environment) -> None:
    url, messages = lab.hidden.url, [{"role": "user", "content": "How many carrots?"}]

    def vendor(package: Any, base_url: str, http: Any) -> tuple[Any, list[int]]:
        statuses: list[int] = []
        client = http(event_hooks={"response": [lambda response: statuses.append(response.status_code)]})
        kind = package.OpenAI if package is openai else package.Anthropic
        return kind(base_url=base_url, api_key="sk-e2e", http_client=client), statuses

    calls = {
        "chat": (openai, lambda sdk: sdk.chat.completions.create(model="gpt-4.1", messages=messages)),
        "chat stream": (openai, lambda sdk: list(sdk.chat.completions.create(model="gpt-4.1", messages=messages, stream=True))),
        "responses": (openai, lambda sdk: sdk.responses.create(model="gpt-4.1", input="How many carrots?")),
        "messages": (anthropic, lambda sdk: sdk.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=messages)),
    }
    for name, (package, call) in calls.items():
        base_url = f"{url}/openai/v1" if package is openai else f"{url}/anthropic"
        sdk, statuses = vendor(package, base_url, package.DefaultHttpxClient)
        try:
            call(sdk)
        except (openai.APIStatusError, anthropic.APIStatusError) as error:
            assert_raised(name, type(error).__name__, error.status_code, str(error), len(statuses))
        else:
            raise AssertionError(f"{name} is admitted")


def sdks_for_node(lab: Environment) -> None:
    script = Path(__file__).with_name("budgets.mjs")
    environment = {"NODE_FOLDER": lab.node_folder}
    process = subprocess.run([lab.node, script, lab.hidden.url], env=environment, capture_output=True, timeout=60, text=True)
    assert process.returncode == 0, process.stderr
    raised = json.loads(process.stdout)
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
    with tempfile.TemporaryDirectory(prefix="aibridge-e2e-") as folder:
        lab = Environment(Path(folder), *arguments)
        results = runner.run((name, partial(check, lab)) for name, check in SCENARIOS.items())
        lab.stop()
    return runner.report(*results)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
