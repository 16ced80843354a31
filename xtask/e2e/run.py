"""Plays every scenario directly against the provider and through the gateway, and compares.

    run.py PROVIDER_URL GATEWAY_URL STORE LIMITED_URL

PROVIDER_URL ends in /v1, GATEWAY_URL is where the gateway listens, STORE is its SQLite file. The gateway has two
providers: `pooled`, whose first key the provider does not know, and `own-key`, which has none. At LIMITED_URL is another
gateway, which allows two requests a minute.
"""

from __future__ import annotations

import sys
import time
import traceback
from functools import partial

import api
import limits
import metrics
import chat  # noqa: F401: adds its scenarios
import responses  # noqa: F401: likewise
import others  # noqa: F401: likewise
import messages  # noqa: F401: likewise
from clients import Clients
from compare import same, same_start
from provider import Provider
from shape import SCENARIOS, Scenario
from store import Store

POOL_KEY, OWN_KEY = "sk-e2e-pool-key-in-current-use", "sk-e2e-brought-by-the-client"
IGNORED = "the-gateway-takes-a-key-of-its-own"


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
        assert interception, "the answer names no interception"
        store.holds(interception, scenario.rows, hint(key))
        Provider(provider_url, POOL_KEY).same_requests(scenario, request_id)
    else:
        assert not interception, "what is passed through is no interception"
    (same_start if scenario.cut else same)("what the SDK returns", expected, actual)
    for part in ("content-type", "x-request-id"):
        same(part, direct.head()["headers"].get(part), through.head()["headers"].get(part))
    same("the status", direct.head()["status"], through.head()["status"])


def main(provider_url: str, gateway_url: str, store_path: str, limited_url: str) -> int:
    store, failed = Store(store_path), 0
    checks = [
        (scenario.name, partial(check, scenario, number, provider_url, gateway_url, store))
        for number, scenario in enumerate(SCENARIOS)
    ]
    checks.append(("a rate limit is obeyed", partial(limits.check, limited_url)))
    checks.append(("metrics say what is on record", partial(metrics.check, gateway_url, store_path)))
    checks.append(("/api/v1 is as its document says", partial(api.check, gateway_url, store_path)))
    for name, holds in checks:
        started = time.monotonic()
        try:
            holds()
            verdict = "ok    "
        except Exception as error:  # noqa: BLE001: the next scenario is worth a try whatever happened to this one
            failed += 1
            verdict = "FAILED"
            reason = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
        print(f"  {verdict} {name} ({time.monotonic() - started:.2f} s)", flush=True)
        if verdict == "FAILED":
            print("         " + (reason or "an assertion").replace("\n", "\n         "), flush=True)
    print(f"e2e: {len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
