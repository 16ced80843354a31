"""The requests that the provider received, from its journal."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

from scenarios import CHAT, Scenario
from compare import same

PER_CONNECTION = {"host", "connection", "accept-encoding", "authorization", "x-api-key"}
"""Headers that may differ: those of a connection, and the credential."""


class Provider:
    def __init__(self, base_url: str, api_key: str) -> None:
        self._journal = base_url.removesuffix("/v1") + "/__aimock/journal?requestId="
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def same_requests(self, scenario: Scenario, request_id: str) -> None:
        """Asserts that the provider received the same request directly and through the gateway."""
        direct, *_, through = self._requests(request_id)
        streamed_chat = scenario.rows.route == CHAT and scenario.rows.streaming
        same("the request", comparable(direct, streamed_chat), comparable(through, streamed_chat))
        if streamed_chat:  # the only edit of the gateway; it may change the length, too
            assert through["body"]["stream_options"]["include_usage"] is True

    def _requests(self, request_id: str) -> list[dict[str, Any]]:
        with urlopen(Request(self._journal + request_id, headers=self._headers), timeout=20) as response:
            requests = json.load(response)
        assert len(requests) >= 2, f"{len(requests)} requests in the provider's journal"
        return requests


def comparable(entry: dict[str, Any], edited: bool) -> dict[str, Any]:
    ignored = PER_CONNECTION | ({"content-length"} if edited else set())
    headers = {name: value for name, value in entry["headers"].items() if name not in ignored}
    body = {name: value for name, value in entry["body"].items() if name != "stream_options" or not edited}
    return {"method": entry["method"], "path": entry["path"], "headers": dict(sorted(headers.items())), "body": body}
