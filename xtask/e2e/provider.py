"""What the provider says it received, from its journal."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

from shape import CHAT, Scenario
from compare import same

OWN_BUSINESS = {"host", "connection", "accept-encoding", "authorization", "x-api-key"}
"""Headers of each hop, and the credential, which the journal hides anyway."""


class Provider:
    def __init__(self, base_url: str, api_key: str) -> None:
        self._journal = base_url.removesuffix("/v1") + "/__aimock/journal?requestId="
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def same_requests(self, scenario: Scenario, request_id: str) -> None:
        """Asserts that the provider received the same request directly and through the gateway."""
        direct, *_, through = self._requests(request_id)
        streamed_chat = scenario.rows.route == CHAT and scenario.rows.streaming
        same("the request", as_received(direct, streamed_chat), as_received(through, streamed_chat))
        if streamed_chat:  # the gateway's one edit, which may change the length too
            assert through["body"]["stream_options"]["include_usage"] is True

    def _requests(self, request_id: str) -> list[dict[str, Any]]:
        with urlopen(Request(self._journal + request_id, headers=self._headers), timeout=20) as answer:
            requests = json.load(answer)
        assert len(requests) >= 2, f"{len(requests)} requests in the provider's journal"
        return requests


def as_received(entry: dict[str, Any], edited: bool) -> dict[str, Any]:
    unlike = OWN_BUSINESS | ({"content-length"} if edited else set())
    headers = {name: value for name, value in entry["headers"].items() if name not in unlike}
    body = {name: value for name, value in entry["body"].items() if name != "stream_options" or not edited}
    return {"method": entry["method"], "path": entry["path"], "headers": dict(sorted(headers.items())), "body": body}
