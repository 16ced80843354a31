"""The official SDK exceeds a rate limit of the gateway."""

from __future__ import annotations

import re
from unittest.mock import patch

from clients import Clients
from openai import RateLimitError
from scenarios import user
from topics import ICELAND

CODEX_READS = re.compile(r"(?i)try again in\s*(\d+(?:\.\d+)?)\s*(s|ms|seconds?)")
"""The pattern by which Codex reads the wait from the message."""


def check(gateway_url: str) -> None:
    """Asserts that the SDK raises the error for a rate limit, and waits for `retry-after-ms` before its second attempt."""
    clients = Clients(f"{gateway_url}/pooled/v1", f"{gateway_url}/pooled-messages", "the-gateway-uses-a-key-of-its-own", "e2e-limits")
    retrying = clients.sync.with_options(max_retries=1)
    request = {"model": "gpt-4.1-mini", "messages": user(ICELAND)}
    waits: list[float] = []
    with patch("time.sleep", waits.append):
        for _ in range(2):
            retrying.chat.completions.create(**request)
        try:
            retrying.chat.completions.create(**request)
        except RateLimitError as error:
            refusal = error
        else:
            raise AssertionError("a third request is accepted, although the limit is two in a minute")

    assert [head["status"] for head in clients.heads] == [200, 200, 429, 429], clients.heads
    first, last = (head["headers"] for head in clients.heads[2:])
    assert waits == [int(first["retry-after-ms"]) / 1000] and 0 < waits[0] <= 30, waits
    assert (refusal.type, refusal.code) == ("rate_limit_error", "rate_limit_exceeded"), refusal
    assert dict(refusal.response.headers) == last, last
    limits = {name: last[f"x-ratelimit-{name}"] for name in ("limit-requests", "remaining-requests")}
    assert limits == {"limit-requests": "2", "remaining-requests": "0"}, limits
    assert re.fullmatch(r"(1m)?[0-9.]+s", last["x-ratelimit-reset-requests"]), last
    seconds, unit = CODEX_READS.search(refusal.message).groups()
    assert (float(seconds), unit) == (int(last["retry-after-ms"]) / 1000, "s"), refusal.message
