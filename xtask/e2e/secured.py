"""Runs every scenario through a gateway with TLS, over HTTP/2, and compares the results with those of the provider.

    secured.py PROVIDER_URL GATEWAY_URL

GATEWAY_URL begins with https://; the SDKs trust the certificates in SSL_CERT_FILE and NODE_EXTRA_CA_CERTS.
"""

from __future__ import annotations

import sys

import chat  # noqa: F401: each of these modules adds its scenarios
import responses  # noqa: F401
import others  # noqa: F401
import messages  # noqa: F401
from clients import Clients
from compare import same, same_start
from run import IGNORED, OWN_KEY, POOL_KEY
from scenarios import SCENARIOS


def main(provider_url: str, gateway_url: str) -> None:
    for number, scenario in enumerate(SCENARIOS):
        own_key = scenario.rows is not None and scenario.rows.credential == "byok"
        key, name = (OWN_KEY, "own-key") if own_key else (POOL_KEY, "pooled")
        request_id = f"e2e-secured-{number}"
        urls = f"{gateway_url}/{name}/v1", f"{gateway_url}/{name}-messages"
        through = Clients(*urls, OWN_KEY if own_key else IGNORED, request_id)
        direct = Clients(provider_url, provider_url.removesuffix("/v1"), key, request_id)
        expected, actual = scenario.play(direct), scenario.play(through)
        (same_start if scenario.is_cut else same)(scenario.name, expected, actual)
        is_node = scenario.rows is not None and "Node" in (scenario.rows.client or "")
        assert is_node or through.head()["version"] == "HTTP/2", through.head()  # fetch of Node.js has no HTTP/2
        print(f"  ok     {scenario.name}, over HTTP/2")
    print(f"e2e: {len(SCENARIOS)} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
