"""Runs every scenario directly against the provider and through the gateway, and compares the results.

    run.py PROVIDER_URL GATEWAY_URL STORE LIMITED_URL

PROVIDER_URL ends in /v1, GATEWAY_URL is where the gateway listens, STORE is its SQLite file. The gateway has two
providers for each API: one with a pool whose first key the provider rejects, and one without keys. At LIMITED_URL is another
gateway, which allows two requests a minute.
"""

from __future__ import annotations

import sys
from functools import partial

import api
import limits
import metrics
import runner
import chat  # noqa: F401: each of these modules adds its scenarios
import responses  # noqa: F401
import others  # noqa: F401
import messages  # noqa: F401
from clients import Clients
from compare import same, same_start
from provider import Provider
from scenarios import SCENARIOS, Scenario
from store import Store

POOL_KEY, OWN_KEY = "sk-e2e-pool-key-in-current-use", "sk-e2e-brought-by-the-client"
IGNORED = "the-gateway-uses-a-key-of-its-own"


def hint(key: str) -> str:
    return f"{key[:4]}...{key[-4:]}"


def check(scenario: Scenario, number: int, provider_url: str, gateway_url: str, store: Store) -> None:
    own_key = scenario.rows is not None and scenario.rows.credential == "byok"
    key, name = (OWN_KEY, "own-key") if own_key else (POOL_KEY, "pooled")
    request_id = f"e2e-{number}"
    direct = Clients(provider_url, provider_url.removesuffix("/v1"), key, request_id)
    urls = f"{gateway_url}/{name}/v1", f"{gateway_url}/{name}-messages"
    through = Clients(*urls, OWN_KEY if own_key else IGNORED, request_id)

    expected, actual = scenario.play(direct), scenario.play(through)
    interception = through.head()["headers"].get("x-aibridge-interception-id")
    if scenario.rows:
        assert interception, "the response has no interception id"
        store.assert_holds(interception, scenario.rows, hint(key))
        Provider(provider_url, POOL_KEY).same_requests(scenario, request_id)
    else:
        assert not interception, "a passthrough response has an interception id"
    (same_start if scenario.is_cut else same)("the result of the SDK", expected, actual)
    for part in ("content-type", "x-request-id"):
        same(part, direct.head()["headers"].get(part), through.head()["headers"].get(part))
    same("the status", direct.head()["status"], through.head()["status"])


def main(provider_url: str, gateway_url: str, store_path: str, limited_url: str) -> int:
    store = Store(store_path)
    checks = [
        (scenario.name, partial(check, scenario, number, provider_url, gateway_url, store))
        for number, scenario in enumerate(SCENARIOS)
    ]
    checks.append(("the SDK obeys a rate limit", partial(limits.check, limited_url)))
    checks.append(("metrics agree with the records", partial(metrics.check, gateway_url, store_path)))
    checks.append(("/api/v1 matches its document", partial(api.check, gateway_url, store_path)))
    return runner.report(*runner.run(checks))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
