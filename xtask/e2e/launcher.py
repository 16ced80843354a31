"""Runs the real agents with `aibridge run` against a scripted provider, and compares each with a direct run.

    launcher.py GATEWAY_BINARY FOLDER_OF_THE_AGENTS

The folder contains the programs of the agents; missing ones are left out. With the launcher, an agent must get its response
through a gateway, change the same files of the user as in a direct run, and return the same exit code, also after a signal.
The line about the cost must agree with the records.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Callable

import runner
from agents import ANSWER, QUESTION, TEXT, Gateway, codex_round, message
from scripted import Response, Provider, refusal

TIMEOUT = 120
POOL_KEY = "sk-e2e-pool-key"
OWN_KEY = "sk-e2e-key-of-the-user"
CLAUDE_MODEL, CODEX_MODEL = "claude-sonnet-4-5", "gpt-5-codex"
COST_LINE = re.compile(r"^aibridge: (\d+) requests?(?: \((\d+) failed\))?, (\d+) input tokens \((\d+) cached\), (\d+) output tokens(?:, \$([\d.]+))?$")
# Folders that several programs share, and the depth of the folder of one program below them.
SHARED = {".config": 2, ".cache": 2, ".local": 3}


@dataclass
class Agent:
    """An agent: its program, the recorded client, its arguments, and the variables and files with which its user reaches
    the provider without a gateway."""

    name: str
    client: str | None
    arguments: list[str]
    variables: dict[str, str]
    files: Callable[[str], dict[str, str]]
    # An agent that takes seconds to start runs fewer checks.
    is_slow: bool = False


def claude_settings(url: str) -> dict[str, str]:
    own = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": OWN_KEY}
    return {".claude/settings.json": json.dumps({"model": CLAUDE_MODEL, "env": own})}


def codex_settings(url: str) -> dict[str, str]:
    own = f'[model_providers.mine]\nname = "mine"\nbase_url = "{url}/v1"\nwire_api = "responses"\nenv_key = "OPENAI_API_KEY"\n'
    return {".codex/config.toml": f'# My own settings.\nmodel = "{CODEX_MODEL}"\nmodel_provider = "mine"\n{own}'}


def opencode_settings(url: str) -> dict[str, str]:
    options = {"baseURL": f"{url}/v1", "apiKey": OWN_KEY}
    own = {"$schema": "https://opencode.ai/config.json", "autoupdate": False, "provider": {"anthropic": {"options": options}}}
    return {".config/opencode/opencode.json": json.dumps(own), "work/opencode.json": json.dumps({"share": "disabled"})}


def aider_settings(url: str) -> dict[str, str]:
    own = f"ANTHROPIC_API_BASE={url}\nANTHROPIC_API_KEY={OWN_KEY}\n"
    return {".aider.conf.yml": "check-update: false\nanalytics-disable: true\n", "work/.env": own}


# Variables that keep the agents from contacting other hosts.
OFFLINE = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "IS_SANDBOX": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
AGENTS = [
    Agent("claude", "Claude Code", ["-p", QUESTION, "--dangerously-skip-permissions"],
          {"ANTHROPIC_API_KEY": OWN_KEY}, claude_settings),
    Agent("codex", "Codex", ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", QUESTION],
          {"OPENAI_API_KEY": OWN_KEY}, codex_settings),
    Agent("opencode", "OpenCode", ["run", "--model", f"anthropic/{CLAUDE_MODEL}", QUESTION], {}, opencode_settings, is_slow=True),
    Agent("aider", None, ["--model", f"anthropic/{CLAUDE_MODEL}", "--message", QUESTION, "--no-git", "--no-show-model-warnings", "--yes-always"],
          {"ANTHROPIC_API_KEY": OWN_KEY}, aider_settings, is_slow=True),
]


def good(number: int, body: Any) -> Response:
    return codex_round(1, body) if "input" in body else message(body, TEXT)


def refused(number: int, body: Any) -> Response:
    return refusal(400, "invalid_request_error", "The scenario refuses this request.", x_should_retry="false")


@dataclass
class RunResult:
    """The result of a run of an agent."""

    code: int
    stdout: str
    stderr: str
    changed: dict[str, str]

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.stdout[-2000:]}\n{self.stderr[-2000:]}"


class Environment:
    """A provider, and a new home folder for each run of an agent."""

    def __init__(self, folder: Path, binary: str, path: str, agent: Agent) -> None:
        self.folder, self.binary, self.path, self.agent = folder, binary, path, agent
        self.provider, self.runs, self.store = Provider(), 0, folder / "aibridge.db"
        self.settings = folder / "aibridge.toml"
        self.settings.write_text("".join(
            f'[[provider]]\ntype = "{kind}"\nbase_url = "{url}"\nkeys = ["{POOL_KEY}"]\n'
            for kind, url in [("anthropic", self.provider.url), ("openai", f"{self.provider.url}/v1")]
        ))

    def direct(self, script: Callable | None, stop: int = 0) -> RunResult:
        return self._run([self.agent.name, *self.agent.arguments], script, stop)

    def launched(self, script: Callable | None, stop: int = 0, listen: str = "") -> RunResult:
        self.store = self.folder / f"{self.runs}.db"
        listen = listen or f"127.0.0.1:{free_port()}"
        launcher = [self.binary, "run", "--config", str(self.settings), "--store", f"sqlite:{self.store}", "--listen", listen]
        return self._run([*launcher, "--", self.agent.name, *self.agent.arguments], script, stop)

    def _run(self, command: list[str], script: Callable | None, stop: int) -> RunResult:
        """Runs a command. Without a script, the provider does not respond, and the command gets the signal `stop`."""
        begun, over = Event(), Event()

        def silent(number: int, body: Any) -> Response:
            begun.set()
            over.wait(TIMEOUT)
            return Response(503, b"{}")

        self.provider.begin(script or silent)
        self.runs += 1
        home = self.folder / f"home-{self.runs}"
        work = home / "work"
        work.mkdir(parents=True)
        (work / "notes.txt").write_text("Work of the user.")
        for name, text in self.agent.files(self.provider.url).items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        environment = {"PATH": self.path, "HOME": str(home), **OFFLINE, **self.agent.variables}
        before = digests(home)
        with subprocess.Popen(command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                if script is None:
                    assert begun.wait(TIMEOUT), "the provider got no request"
                    process.send_signal(stop)
                stdout, stderr = process.communicate(timeout=TIMEOUT)
            finally:
                over.set()
                process.kill()
        return RunResult(process.returncode, stdout, stderr, differences(before, digests(home)))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def digests(home: Path) -> dict[str, str]:
    """A digest of each file below a home folder. A process that an agent leaves behind may remove files meanwhile."""
    found = {}
    for path in home.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink():
                found[str(path.relative_to(home))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """The changes to the files of the user. The files that an agent adds to its own folder differ in each run, so they count
    as one change of the folder."""
    found = {}
    for name in before.keys() | after.keys():
        if name in before and before[name] != after.get(name):
            found[name] = "changed" if name in after else "removed"
        elif name not in before:
            parts = name.split("/")
            found[name if parts[0] == "work" else "/".join(parts[: SHARED.get(parts[0], 1)])] = "added"
    return found


def shell_code(code: int) -> int:
    """The exit code that a shell reports: 128 plus the number of the signal that ended a process."""
    return 128 - code if code < 0 else code


def same_files(direct: RunResult, launched: RunResult, cut_off: bool = False) -> None:
    """Compares the changes of both runs. An agent that is cut off may have created only some of its own folders."""
    more = {name: kind for name, kind in launched.changed.items() if direct.changed.get(name) != kind}
    if cut_off:
        more = {name: kind for name, kind in more.items() if kind != "added" or name.startswith("work/")}
    assert not more, f"files of the user that change only with the launcher: {more}"


def check_cost(stage: Environment, launched: RunResult) -> None:
    """Compares the last line with the records."""
    line = launched.stderr.splitlines()[-1]
    found = COST_LINE.match(line)
    assert found, f"the last line is {line!r}"
    requests, failed, input_tokens, cached, output, cost = found.groups()
    connection = sqlite3.connect(f"file:{stage.store}?mode=ro", uri=True, timeout=20)
    rows = connection.execute("SELECT client, outcome FROM aibridge_interceptions").fetchall()
    runs = connection.execute("SELECT json_extract(metadata, '$.run') FROM aibridge_interceptions").fetchall()
    usages = connection.execute("SELECT input_tokens, cache_read_input_tokens, cache_write_input_tokens, output_tokens, cost_nano_usd FROM aibridge_token_usages").fetchall()
    connection.close()
    assert all(outcome for _, outcome in rows), f"open interceptions: {rows}"
    if stage.agent.client:
        assert {client for client, _ in rows} == {stage.agent.client}, rows
        assert len(set(runs)) == 1 and (None,) not in runs, f"the agent sends no id of its run: {runs}"
    counted = (len(rows), sum(outcome == "failed" for _, outcome in rows))
    assert (int(requests), int(failed or 0)) == counted, f"{line!r}, but {rows}"
    fresh, read, written, out, nano = (sum(row[index] or 0 for row in usages) for index in range(5))
    assert (int(input_tokens), int(cached), int(output)) == (fresh + read + written, read, out), f"{line!r}, but {usages}"
    assert (cost is None) == (nano == 0), f"{line!r}, but {usages}"
    assert cost is None or abs(float(cost) - nano / 1e9) <= 0.05 * nano / 1e9, f"{line!r}, but {nano / 1e9} dollars"


def response_and_cost(stage: Environment) -> None:
    direct = stage.direct(good)
    assert direct.code == 0 and ANSWER in direct.stdout, f"directly: {direct}"
    port = free_port()
    launched = stage.launched(good, listen=f"127.0.0.1:{port}")
    assert launched.code == 0 and ANSWER in launched.stdout, launched
    keys = {one.headers.get("x-api-key") or one.headers.get("authorization") for one in stage.provider.received}
    assert keys <= {POOL_KEY, f"Bearer {POOL_KEY}"} and keys, f"the provider got {keys}"
    same_files(direct, launched)
    check_cost(stage, launched)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0, "the gateway of the launcher outlives the agent"


def failure(stage: Environment) -> None:
    direct, launched = stage.direct(refused), stage.launched(refused)
    assert launched.code == shell_code(direct.code), f"directly {direct}\nlaunched: {launched}"
    same_files(direct, launched)
    check_cost(stage, launched)


def signals(stage: Environment) -> None:
    for stop in [signal.SIGTERM] if stage.agent.is_slow else [signal.SIGINT, signal.SIGTERM]:
        direct, launched = stage.direct(None, stop), stage.launched(None, stop)
        assert launched.code == shell_code(direct.code), f"{stop.name}: directly {direct}\nlaunched: {launched}"
        assert launched.stderr.splitlines()[-1].startswith("aibridge: "), launched
        same_files(direct, launched, cut_off=True)


def running_gateway(stage: Environment) -> None:
    gateway = Gateway(stage.binary, stage.folder / "running", stage.provider)
    try:
        launched = stage.launched(good, listen=gateway.url.removeprefix("http://"))
        assert launched.code == 0 and ANSWER in launched.stdout, launched
        assert not stage.store.exists(), "the launcher started a gateway of its own"
        assert len(gateway.rows("aibridge_interceptions")) == len(stage.provider.received) > 0
        with socket.socket() as client:
            host, port = gateway.url.removeprefix("http://").split(":")
            assert client.connect_ex((host, int(port))) == 0, "the gateway ended with the agent"
    finally:
        gateway.stop()


CHECKS = {
    "response, files and cost": response_and_cost,
    "exit code after a failure": failure,
    "exit code after a signal": signals,
    "a gateway that runs already": running_gateway,
}


def run_checks(folder: Path, binary: str, programs: Path, agent: Agent) -> tuple[int, int]:
    """Runs all checks with one agent, and returns the number of those that passed and failed."""
    path = f"{programs}:{os.environ['PATH']}"

    def run_in_own_folder(check: Callable[[Environment], None]) -> None:
        place = folder / f"{agent.name}-{check.__name__}"
        place.mkdir()
        check(Environment(place, binary, path, agent))

    checks = [one for one in CHECKS.items() if not (agent.is_slow and one[1] is running_gateway)]
    return runner.run((f"aibridge run {agent.name}: {name}", partial(run_in_own_folder, check)) for name, check in checks)


def main(binary: str, programs: str) -> int:
    present = [agent for agent in AGENTS if (Path(programs) / agent.name).exists()]
    for agent in AGENTS:
        if agent not in present:
            print(f"launcher: left out {agent.name}, because this machine has none")
    with tempfile.TemporaryDirectory(prefix="aibridge-e2e-", ignore_cleanup_errors=True) as folder, ThreadPoolExecutor(len(AGENTS)) as pool:
        results = list(pool.map(lambda agent: run_checks(Path(folder), binary, Path(programs), agent), present))
    passed, failed = (sum(result[index] for result in results) for index in range(2))
    return runner.report(passed, failed) if present else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
