"""Reads the metrics of the gateway with the official parser, and compares them with the records."""

from __future__ import annotations

import sqlite3
import time
import urllib.request
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

GROUPED = "SELECT provider_name, route, outcome, count(*) FROM aibridge_interceptions GROUP BY 1, 2, 3"
TOKENS = """SELECT sum(input_tokens), sum(output_tokens), sum(cache_read_input_tokens), sum(cache_write_input_tokens)
FROM aibridge_token_usages"""


class Metrics:
    def __init__(self, gateway_url: str) -> None:
        with urllib.request.urlopen(f"{gateway_url}/metrics", timeout=20) as response:
            kind, text = response.headers["content-type"], response.read().decode()
        assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
        self.families = {family.name: family for family in text_string_to_metric_families(text)}

    def by(self, name: str, *labels: str) -> Counter:
        """The sums of the samples `name` for each combination of `labels`."""
        counts: Counter = Counter()
        for family in self.families.values():
            for sample in family.samples:
                if sample.name == name:
                    counts[tuple(sample.labels[label] for label in labels)] += sample.value
        return counts


def idle_metrics(gateway_url: str) -> Metrics:
    """The metrics when no interception is in flight. An interception ends shortly after its client has the response."""
    deadline = time.monotonic() + 20
    while True:
        metrics = Metrics(gateway_url)
        if set(metrics.by("aibridge_interceptions_inflight", "provider", "route").values()) == {0}:
            return metrics
        assert time.monotonic() < deadline, "an interception stays in flight"


def check(gateway_url: str, store_path: str) -> None:
    """Asserts that the metrics agree with the records."""
    store = sqlite3.connect(f"file:{store_path}?mode=ro", uri=True, timeout=20)
    metrics = idle_metrics(gateway_url)

    recorded = Counter({tuple(row[:3]): row[3] for row in store.execute(GROUPED)})
    series = ("provider", "route", "status")
    counted = metrics.by("aibridge_interceptions_total", *series)
    assert recorded and counted == recorded, f"interceptions: counted {counted}, recorded {recorded}"

    for name in ("aibridge_interceptions_duration_seconds_count", "aibridge_overhead_seconds_count"):
        assert sum(metrics.by(name).values()) == sum(recorded.values()), name

    tokens = dict(zip(("input", "output", "cache_read_input", "cache_write_input"), store.execute(TOKENS).fetchone()))
    counted_tokens = {kind: count for (kind,), count in metrics.by("aibridge_tokens_total", "type").items()}
    assert counted_tokens == tokens, f"tokens: counted {counted_tokens}, recorded {tokens}"

    tools = Counter({(row[0],): row[1] for row in store.execute("SELECT tool, count(*) FROM aibridge_tool_usages GROUP BY 1")})
    assert metrics.by("aibridge_non_injected_tool_selections_total", "name") == tools

    prompts = store.execute("SELECT count(*) FROM aibridge_user_prompts").fetchone()[0]
    assert sum(metrics.by("aibridge_prompts_total").values()) == prompts

    keys = metrics.by("aibridge_key_pool_state", "provider", "state")
    for pool in ("pooled", "pooled-messages"):
        assert keys[(pool, "valid")] + keys[(pool, "cooling")] == 2 and keys[(pool, "valid")] >= 1, keys
    assert metrics.by("aibridge_passthrough_total"), "nothing was passed through"
    assert metrics.families["aibridge_overhead_seconds"].type == "histogram"
