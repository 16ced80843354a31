"""Sends random usages through the gateway, and compares the stored costs with decimal arithmetic.

    costs.py GATEWAY_BINARY DATA

Then `aibridge prices recompute` computes the costs again from the records alone, and must not change them.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from agents import Gateway
from prices import Price, matches, usage
from scripted import Response, Provider

COUNT = 300
TIERS = {"openai": ["default", "flex", "priority", "batch"], "anthropic": ["standard", "batch", "priority"]}


def chat(model: str, tier: str, counts: dict[str, int]) -> dict[str, Any]:
    used = {
        "prompt_tokens": counts["input"] + counts["cache_read"] + counts["audio_input"],
        "completion_tokens": counts["output"] + counts["audio_output"],
        "prompt_tokens_details": {"cached_tokens": counts["cache_read"], "audio_tokens": counts["audio_input"]},
        "completion_tokens_details": {"audio_tokens": counts["audio_output"]},
    }
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x"}}
    return {"id": "c1", "object": "chat.completion", "model": model, "service_tier": tier, "choices": [choice], "usage": used}


def responses(model: str, tier: str, counts: dict[str, int]) -> dict[str, Any]:
    used = {
        "input_tokens": counts["input"] + counts["cache_read"], "output_tokens": counts["output"],
        "input_tokens_details": {"cached_tokens": counts["cache_read"]},
    }
    calls = [{"type": "web_search_call", "id": f"ws_{number}", "action": {"type": "search"}} for number in range(counts["web_searches"])]
    calls += [{"type": "file_search_call", "id": f"fs_{number}", "queries": []} for number in range(counts["file_searches"])]
    calls.append({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "web_search", "arguments": "{}"})
    return {"id": "resp_1", "object": "response", "status": "completed", "model": model, "service_tier": tier, "output": calls, "usage": used}


def messages(model: str, tier: str, counts: dict[str, int]) -> dict[str, Any]:
    written = counts["cache_write_5m"], counts["cache_write_1h"]
    used = {
        "input_tokens": counts["input"], "output_tokens": counts["output"], "cache_read_input_tokens": counts["cache_read"],
        "cache_creation_input_tokens": sum(written), "service_tier": tier,
        "cache_creation": {"ephemeral_5m_input_tokens": written[0], "ephemeral_1h_input_tokens": written[1]},
        "server_tool_use": {"web_search_requests": counts["web_searches"]},
    }
    text = [{"type": "text", "text": "x"}]
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": text, "stop_reason": "end_turn", "usage": used}


APIS = {
    "chat/completions": ("openai", chat, {"input", "output", "cache_read", "audio_input", "audio_output"}),
    "responses": ("openai", responses, {"input", "output", "cache_read", "web_searches", "file_searches"}),
    "messages": ("anthropic", messages, {"input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "web_searches"}),
}


class PreparedProvider(Provider):
    """A provider whose response is set before each request."""

    prepared: dict[str, Any] = {}

    def _respond(self, handler: Any, body: bytes) -> None:
        self.script = lambda *_: Response(200, json.dumps(self.prepared).encode(), {"content-type": "application/json"})
        handler.path = handler.path.replace("/chat/completions", "/responses")  # the base class treats `/responses` as a model call
        super()._respond(handler, body)


def send(gateway: Gateway, api: str, requested: str) -> str:
    """Sends a request, and returns the id of its interception."""
    prefix = "anthropic/v1" if api == "messages" else "openai/v1"
    body = {"model": requested, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "input": "hi"}
    request = Request(f"{gateway.url}/{prefix}/{api}", json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(request, timeout=20) as response:
        response.read()
        return response.headers["x-aibridge-interception-id"]


def stored(gateway: Gateway, count: int) -> dict[str, tuple[int | None, str]]:
    deadline = time.monotonic() + 20
    while len(rows := gateway.rows("aibridge_token_usages")) < count:
        assert time.monotonic() < deadline, f"{len(rows)} of {count} usages are stored"
        time.sleep(0.05)
    return {row["interception_id"]: (row["cost_nano_usd"], row["cost_status"]) for row in rows}


def main(binary: str, data: str) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    with open(data, encoding="utf-8") as file:
        vendors = {vendor["id"]: vendor for vendor in json.load(file, parse_float=Decimal, parse_int=Decimal)}
    with tempfile.TemporaryDirectory(prefix="aibridge-e2e-") as folder:
        provider, expected = PreparedProvider(), {}
        gateway = Gateway(binary, Path(folder) / "gateway", provider)
        for _ in range(COUNT):
            api = chance.choice(list(APIS))
            vendor, response, buckets = APIS[api]
            listed = vendors[vendor]["models"]
            model = chance.choice(listed)
            if next((one for one in listed if matches(one["match"], model["id"].lower())), None) is not model:
                continue
            tier, counts = chance.choice(TIERS[vendor]), usage(chance)
            counts = {bucket: count if bucket in buckets or bucket == "requests" else 0 for bucket, count in counts.items()}
            provider.prepared = response(model["id"], tier, counts)
            requested = chance.choice([model["id"], "a-deployment"])
            tier = "" if tier == "standard" else tier
            cost = Price(vendor, model, tier, datetime.now(UTC)).cost(counts)
            expected[send(gateway, api, requested)] = cost, (api, model["id"], requested, tier, counts)
        found = stored(gateway, len(expected))
        wrong = [(what, cost, found[id]) for id, (cost, what) in expected.items() if cost != found[id]]
        assert not wrong, f"{len(wrong)} of {len(expected)} differ with the seed {seed}; the first is {wrong[0]}"

        recompute = [binary, "prices", "recompute", "--since", "1d", "--json", "--store", f"sqlite:{gateway.store}"]
        process = subprocess.run(recompute, cwd=Path(folder) / "gateway", env={}, capture_output=True, text=True, timeout=60)
        assert process.returncode == 0, process.stderr
        summary = json.loads(process.stdout)
        assert (summary["usages"], summary["changed"]) == (len(expected), 0), f"with the seed {seed}: {summary}"
        assert found == stored(gateway, len(expected)), "recompute reports no change, but rows differ"
        gateway.stop()
    print(f"  ok     {len(expected)} stored costs equal those of decimal arithmetic, and computing them again changes none")
    print("e2e: 1 passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
