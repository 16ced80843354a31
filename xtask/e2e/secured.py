"""Plays every scenario through a gateway with TLS, over HTTP/2, and compares with what comes directly.

    secured.py PROVIDER_URL GATEWAY_URL

GATEWAY_URL begins with https://; the SDK trusts the certificates in SSL_CERT_FILE, as it would anywhere.
"""

from __future__ import annotations

import sys

import chat  # noqa: F401: adds its scenarios
import responses  # noqa: F401: likewise
import others  # noqa: F401: likewise
from clients import Clients
from compare import same, same_start
from run import IGNORED, OWN_KEY, POOL_KEY
from shape import SCENARIOS


def main(provider_url: str, gateway_url: str) -> None:
    for number, scenario in enumerate(SCENARIOS):
        own_key = scenario.rows is not None and scenario.rows.credential == "byok"
        key, name = (OWN_KEY, "own-key") if own_key else (POOL_KEY, "pooled")
        request_id = f"e2e-secured-{number}"
        through = Clients(f"{gateway_url}/{name}/v1", OWN_KEY if own_key else IGNORED, request_id)
        expected, actual = scenario.play(Clients(provider_url, key, request_id)), scenario.play(through)
        (same_start if scenario.cut else same)(scenario.name, expected, actual)
        assert through.head()["version"] == "HTTP/2", through.head()
        print(f"  ok     {scenario.name}, over HTTP/2")
    print(f"e2e: {len(SCENARIOS)} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
