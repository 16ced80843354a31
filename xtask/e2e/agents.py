"""Runs Claude Code and Codex against a scripted provider, directly and through the gateway, and compares the results.

    agents.py GATEWAY_BINARY CLAUDE CODEX NODE

The output of an agent, its attempts and the requests to the provider must be the same both ways; the responses must be
recorded.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Callable
from urllib.request import urlopen

import runner
from compare import same
from scripted import Response, Provider, Relay, events, refusal

QUESTION = "How many carrots?"
ANSWER = "Three carrots."
OWN_KEY = "sk-ant-e2e-brought-by-the-client"


class Gateway:
    """The real binary in its own folder, with `provider` as its upstream."""

    def __init__(self, binary: str, folder: Path, provider: Provider, settings: str = "") -> None:
        folder.mkdir()
        vendors = [("anthropic", provider.url), ("openai", f"{provider.url}/v1")]
        tables = [f'[[provider]]\ntype = "{kind}"\nbase_url = "{url}"\nkeys = ["sk-e2e-pool-key"]\n' for kind, url in vendors]
        own = f'[[provider]]\ntype = "anthropic"\nname = "own-key"\nbase_url = "{provider.url}"\n'
        (folder / "aibridge.toml").write_text(settings + "".join(tables) + own)
        self.store = folder / "aibridge.db"
        arguments = [binary, "--listen", "127.0.0.1:0", "--store", f"sqlite:{self.store}"]
        self._process = subprocess.Popen(arguments, cwd=folder, env={}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = ""
        for line in self._process.stdout:
            if found := re.search(r"listening on (http://\S+)", line):
                self.url = found.group(1)
                break
        assert self.url, "the gateway prints no address"

    def rows(self, table: str) -> list[dict[str, Any]]:
        connection = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=20)
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]
        connection.close()
        return rows

    def interceptions(self, count: int, begun_at: str) -> list[dict[str, Any]]:
        """The interceptions since a time, all of which have ended. The database follows the journal."""
        deadline = time.monotonic() + 20
        while True:
            rows = [row for row in self.rows("aibridge_interceptions") if row["started_at"] >= begun_at]
            if len(rows) == count and all(row["ended_at"] for row in rows):
                return rows
            assert time.monotonic() < deadline, f"not {count} ended interceptions: {rows}"
            time.sleep(0.01)

    def children(self, table: str, interceptions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ids = [row["id"] for row in interceptions]
        return [row for row in self.rows(table) if row["interception_id"] in ids]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)


class Agents:
    """Claude Code and Codex, in a folder that both runs of a scenario share."""

    def __init__(self, folder: Path, claude: str, codex: str, node: str) -> None:
        self._claude, self._codex, self._node, self._folder = claude, codex, node, folder
        self._work = folder / "work"
        self._work.mkdir()

    def claude(self, base_url: str) -> dict[str, Any]:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self._folder), "CLAUDE_CONFIG_DIR": str(self._folder / "claude"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "IS_SANDBOX": "1",
            "ANTHROPIC_BASE_URL": base_url, "ANTHROPIC_API_KEY": OWN_KEY,
        }
        arguments = ["-p", QUESTION, "--output-format", "json", "--model", "claude-sonnet-4-5", "--dangerously-skip-permissions"]
        process = self._run([self._claude, *arguments], environment)
        output = json.loads(process.stdout)
        kept = ["subtype", "is_error", "api_error_status", "num_turns", "stop_reason", "result"]
        usage = {name: count for name, count in output["usage"].items() if name.endswith("_tokens")}
        return {**{name: output.get(name) for name in kept}, "usage": usage, "exit": process.returncode}

    def codex(self, base_url: str) -> dict[str, Any]:
        home = self._folder / "codex"
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(
            'model = "gpt-5-codex"\nmodel_provider = "e2e"\n[model_providers.e2e]\nname = "e2e"\n'
            f'base_url = "{base_url}"\nwire_api = "responses"\nenv_key = "E2E_KEY"\nsupports_websockets = true\n'
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "CODEX_HOME": str(home), "E2E_KEY": OWN_KEY}
        arguments = ["exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", QUESTION]
        process = self._run([self._node, self._codex, *arguments], environment)
        printed = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
        return {"events": [event for event in printed if event["type"] != "thread.started"], "exit": process.returncode}

    def _run(self, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess:
        return subprocess.run(
            command, cwd=self._work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )


VARIES = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}|\b\d{13}\b|Chunk ID: \w+|Wall time: [\d.]+")


def comparable(provider: Provider) -> list[Any]:
    """The requests that the provider received, without ids and times, which differ in each run."""
    bodies = [{"path": one.path, "body": one.body} for one in provider.received]
    return json.loads(VARIES.sub("*", json.dumps(bodies, sort_keys=True)))


def message(body: Any, *blocks: dict[str, Any], stop: str = "end_turn", error: bool = False) -> Response:
    """The response to a Messages request; with `error`, a stream that ends with an error event."""
    usage = {"input_tokens": 10, "output_tokens": 1, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 7}
    head = {"id": "msg_e2e", "type": "message", "role": "assistant", "model": body["model"], "content": [], "usage": usage}
    if not body.get("stream"):  # after a broken stream, Claude Code repeats the request without streaming
        whole = {**head, "content": blocks, "stop_reason": stop, "usage": {**usage, "output_tokens": 12}}
        return Response(200, json.dumps(whole).encode(), {"content-type": "application/json"})
    stream: list[dict[str, Any]] = [{"type": "message_start", "message": {**head, "stop_reason": None}}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        delta = {"type": "text_delta", "text": block["text"]} if block["type"] == "text" else {
            "type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        empty = {"text": ""} if block["type"] == "text" else {"input": {}}
        stream.append({"type": "content_block_start", "index": index, "content_block": {**block, **empty}})
        stream.append({"type": "content_block_delta", "index": index, "delta": delta})
        stream.append({"type": "content_block_stop", "index": index})
    if error:
        overloaded = {"type": "overloaded_error", "message": "Overloaded"}
        return events(*stream[:-1], {"type": "error", "error": overloaded})
    stream.append({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 12}})
    return events(*stream, {"type": "message_stop"})


TEXT = {"type": "text", "text": ANSWER}
BASH = {"type": "tool_use", "id": "toolu_e2e", "name": "Bash", "input": {"command": "echo carrots", "description": "Says it"}}


def tool_round(number: int, body: Any) -> Response:
    return message(body, BASH, stop="tool_use") if number == 0 else message(body, TEXT)


def broken_stream(number: int, body: Any) -> Response:
    return message(body, TEXT, error=number == 0)


def limited_once(number: int, body: Any) -> Response:
    if number == 0:
        return refusal(429, "rate_limit_error", "This request would exceed your rate limit.", retry_after="1")
    return message(body, TEXT)


def rejected(number: int, body: Any) -> Response:
    return refusal(401, "authentication_error", "invalid x-api-key", x_should_retry="false")


def good(number: int, body: Any) -> Response:
    return message(body, TEXT)


def codex_round(number: int, body: Any) -> Response:
    call = {"type": "function_call", "id": "fc_e2e", "call_id": "call_e2e", "name": "exec_command"}
    call["arguments"] = json.dumps({"cmd": "echo carrots"})
    text = {"type": "message", "id": "msg_e2e", "role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]}
    item = call if number == 0 else text
    usage = {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15}
    return events(
        {"type": "response.created", "response": {"id": "resp_e2e"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "resp_e2e", "output": [item], "usage": usage}},
    )


class Environment:
    """The agents, the provider, and gateways with different settings."""

    def __init__(self, folder: Path, binary: str, claude: str, codex: str, node: str) -> None:
        self.provider, self.relay, self.begun_at = Provider(), Relay(), ""
        self.agents = Agents(folder, claude, codex, node)
        self.open = Gateway(binary, folder / "open", self.provider)
        self.closed = Gateway(binary, folder / "closed", self.provider, '[auth]\nmode = "tokens"\n')
        self.limited = Gateway(binary, folder / "limited", self.provider, "[limits]\nrequests_per_minute = 6\n")

    def compare(self, play: Callable[[str], Any], script: Callable, direct: str, through: str) -> list[tuple[str, int]]:
        """Runs an agent both ways, asserts that the results are the same, and returns the attempts."""
        outcomes = []
        for target in (direct, through):
            self.provider.begin(script)
            self.begun_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            output = play(self.relay.begin(target))
            outcomes.append((output, self.relay.attempts, comparable(self.provider)))
        (output, attempts, received), (output_through, attempts_through, received_through) = outcomes
        same("the output of the agent", output, output_through)
        same("the attempts", attempts, attempts_through)
        same("the requests to the provider", received, received_through)
        return attempts

    def claude(self, script: Callable, name: str = "anthropic") -> list[tuple[str, int]]:
        return self.compare(self.agents.claude, script, self.provider.url, f"{self.open.url}/{name}")

    def stop(self) -> None:
        for gateway in (self.open, self.closed, self.limited):
            gateway.stop()


def claude_tool_round(lab: Environment) -> None:
    assert lab.claude(tool_round) == [("POST", 200), ("POST", 200)]
    rows = lab.open.interceptions(2, lab.begun_at)
    for row in rows:
        found = (row["client"], row["provider"], row["route"], row["outcome"], row["streaming"], row["credential_kind"])
        assert found == ("Claude Code", "anthropic", "/v1/messages", "completed", 1, "centralized"), found
        assert row["client_session_id"] == lab.provider.received[0].headers["x-claude-code-session-id"], row
    assert [row["correlating_tool_call_id"] for row in rows] == [None, "toolu_e2e"], rows
    prompts = [row["prompt"] for row in lab.open.children("aibridge_user_prompts", rows)]
    assert prompts == [QUESTION], prompts
    usages = lab.open.children("aibridge_token_usages", rows)
    counts = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens"]
    assert [[row[count] for count in counts] for row in usages] == [[10, 12, 7, 5]] * 2, usages
    tools = [(row["tool"], json.loads(row["input"]), row["provider_tool_call_id"]) for row in lab.open.children("aibridge_tool_usages", rows)]
    assert tools == [("Bash", BASH["input"], "toolu_e2e")], tools


def claude_error_in_stream(lab: Environment) -> None:
    attempts = lab.claude(broken_stream)
    rows = lab.open.interceptions(len(attempts), lab.begun_at)
    assert [(row["outcome"], row["error_type"]) for row in rows][0] == ("failed", "stream_error"), rows
    assert rows[-1]["outcome"] == "completed" and len(rows) > 1, rows


def claude_provider_refuses_key(lab: Environment) -> None:
    attempts = lab.claude(rejected, "own-key")
    assert attempts == [("POST", 401)], attempts


def claude_provider_limits(lab: Environment) -> None:
    assert lab.claude(limited_once, "own-key") == [("POST", 429), ("POST", 200)]


def claude_without_token(lab: Environment) -> None:
    lab.provider.begin(good)
    output = lab.agents.claude(lab.relay.begin(f"{lab.closed.url}/anthropic"))
    assert lab.relay.attempts == [("POST", 401)], f"expected one attempt: {lab.relay.attempts}"
    assert output["is_error"] and "access token" in output["result"], output
    assert not lab.provider.received


def claude_over_limit(lab: Environment) -> None:
    for _ in range(60):
        try:
            urlopen(f"{lab.limited.url}/anthropic/v1/models", timeout=20).close()
        except OSError as error:
            if getattr(error, "code", None) == 429:
                break
    lab.provider.begin(good)
    output = lab.agents.claude(lab.relay.begin(f"{lab.limited.url}/anthropic"))
    assert lab.relay.attempts == [("POST", 429), ("POST", 200)], f"expected one retry: {lab.relay.attempts}"
    assert output["result"] == ANSWER, output


def codex_tool_round(lab: Environment) -> None:
    direct, through = f"{lab.provider.url}/v1", f"{lab.open.url}/openai/v1"
    attempts = lab.compare(lab.agents.codex, codex_round, direct, through)
    assert attempts == [("GET", 426), ("POST", 200), ("POST", 200)], attempts
    rows = lab.open.interceptions(2, lab.begun_at)
    assert [(row["client"], row["outcome"]) for row in rows] == [("Codex", "completed")] * 2, rows
    assert [row["correlating_tool_call_id"] for row in rows] == [None, "call_e2e"], rows
    assert rows[0]["client_session_id"], rows
    usages = lab.open.children("aibridge_token_usages", rows)
    assert [(row["input_tokens"], row["cache_read_input_tokens"], row["output_tokens"]) for row in usages] == [(6, 4, 5)] * 2, usages
    tools = [(row["tool"], json.loads(row["input"])) for row in lab.open.children("aibridge_tool_usages", rows)]
    assert tools == [("exec_command", {"cmd": "echo carrots"})], tools


SCENARIOS = {
    "Claude Code, a tool round": claude_tool_round,
    "Claude Code, an error in a stream": claude_error_in_stream,
    "Claude Code, the provider refuses its key: one attempt": claude_provider_refuses_key,
    "Claude Code, the provider limits it: two attempts": claude_provider_limits,
    "Claude Code, no access token: one attempt": claude_without_token,
    "Claude Code, over a limit of the gateway: two attempts": claude_over_limit,
    "Codex, no WebSocket, then a tool round": codex_tool_round,
}


def main(binary: str, claude: str, codex: str, node: str) -> int:
    with tempfile.TemporaryDirectory(prefix="aibridge-e2e-") as folder:
        lab = Environment(Path(folder), binary, claude, codex, node)
        results = runner.run((name, partial(check, lab)) for name, check in SCENARIOS.items())
        lab.stop()
    return runner.report(*results)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
