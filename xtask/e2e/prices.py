"""Computes 10,000 random usages with Python's `decimal`, from the same price data, and compares with the gateway's crate.

    prices.py PROGRAM DATA

PROGRAM is the example `cost` of `aibridge-prices`, DATA the price data that the crate contains. The rules here are
implemented independently of the crate, from the documentation of the data and docs/money.md.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, getcontext
from typing import Any

getcontext().prec = 60

COUNT = 10_000
MILLION, THOUSAND, HALF = Decimal(10) ** 6, Decimal(10) ** 3, Decimal("0.5")
TIERS = ["", "default", "flex", "batch", "priority", "fast", "gold"]
STATED_HALF = {("anthropic", "batch"), ("google", "batch"), ("openai", "batch"), ("openai", "flex")}

KEYS = {
    "input": "input_mtok", "output": "output_mtok", "cache_read": "cache_read_mtok", "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok", "audio_input": "input_audio_mtok", "audio_output": "output_audio_mtok",
    "web_searches": "web_searches_kcount", "file_searches": "storage_searches_kcount", "requests": "requests_kcount",
}
SINGLE = {"web_searches", "file_searches", "requests"}
INPUTS = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input"]


def whole(number: Decimal) -> Decimal:
    return number.quantize(Decimal(1), rounding=ROUND_HALF_UP)


def matches(rule: dict[str, Any], name: str) -> bool:
    kind, value = next(iter(rule.items()))
    if kind in ("and", "or"):
        return (all if kind == "and" else any)(matches(one, name) for one in value)
    if kind == "regex":
        return re.search(value, name) is not None
    value = value.lower()
    return {
        "contains": value in name, "ends_with": name.endswith(value), "equals": name == value, "starts_with": name.startswith(value),
    }[kind]


def applies(constraint: dict[str, str] | None, at: datetime) -> bool:
    if not constraint:
        return True
    if "start_date" in constraint:
        return at.date().isoformat() >= constraint["start_date"]
    start, end = (constraint[name].removesuffix("Z") for name in ("start_time", "end_time"))
    now = at.time().isoformat()
    return start <= now < end if start <= end else now >= start or now < end


class Price:
    """The prices that apply, in pico-dollars for one unit."""

    def __init__(self, vendor: str, model: dict[str, Any], tier: str, at: datetime) -> None:
        entries = model["prices"] if isinstance(model["prices"], list) else [{"prices": model["prices"]}]
        applicable = [entry for entry in entries if applies(entry.get("constraint"), at)]
        self.prices = dict((applicable[-1] if applicable else entries[0])["prices"])
        self.claude = vendor == "anthropic" or "claude" in model["id"]
        self.half = self.estimated = False
        if tier in ("", "default"):
            return
        condition = {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
        accepted = [condition, {"service_tier": "batch"}] if tier == "batch" else [condition]
        variants = [one for one in model.get("price_variants", []) if one["when"] in accepted and applies(one.get("constraint"), at)]
        for variant in reversed(variants):
            self.prices.update(variant["prices"])
        if not variants:
            self.estimated, self.half = True, (vendor, tier) in STATED_HALF

    def stated(self, bucket: str, total: int) -> Decimal | None:
        price = self.prices.get(KEYS[bucket])
        if price is None:
            return None
        if isinstance(price, dict):
            above = [tier["price"] for tier in sorted(price["tiers"], key=lambda tier: tier["start"]) if total > tier["start"]]
            price = above[-1] if above else price["base"]
        pico = whole(Decimal(price) * (Decimal(10) ** 12) / (THOUSAND if bucket in SINGLE else MILLION))
        return whole(pico * HALF) if self.half and bucket not in SINGLE else pico

    def unit(self, bucket: str, total: int) -> tuple[Decimal | None, bool]:
        """The price of one unit, and whether it is derived from another."""
        stated = self.stated(bucket, total)
        if stated is not None or bucket in ("input", "output"):
            return stated, False
        if bucket in SINGLE:
            return Decimal(0), bucket != "requests"
        base = self.stated("input", total)
        if bucket == "audio_output":
            return self.stated("output", total), True
        if self.claude and bucket != "audio_input":
            factor = {"cache_read": "0.1", "cache_write_5m": "1.25", "cache_write_1h": "2"}[bucket]
            return (None if base is None else whole(base * Decimal(factor))), True
        if bucket == "cache_write_1h" and (shorter := self.stated("cache_write_5m", total)) is not None:
            return shorter, True
        return base, True

    def cost(self, usage: dict[str, int]) -> tuple[int | None, str]:
        """Billionths of a dollar and the status."""
        total, estimated, pico = sum(usage[name] for name in INPUTS), self.estimated, Decimal(0)
        for bucket, count in usage.items():
            if not count:
                continue
            price, derived = self.unit(bucket, total)
            if price is None:
                return None, "unpriced"
            estimated, pico = estimated or derived, pico + price * count
        return int(whole(pico / 1000)), "estimated" if estimated else "priced"


def usage(chance: random.Random) -> dict[str, int]:
    def tokens() -> int:
        return chance.choice([0, 0, chance.randrange(1, 1000), chance.randrange(1, 400_000), chance.randrange(1, 3_000_000)])

    counts = {bucket: tokens() for bucket in KEYS if bucket not in SINGLE}
    return {**counts, "web_searches": chance.choice([0, 0, chance.randrange(30)]), "file_searches": chance.choice([0, 0, 3]), "requests": 1}


def cases(data: list[dict[str, Any]], chance: random.Random) -> list[tuple[dict[str, Any], Any]]:
    """Random usages of random models, each with its expected cost."""
    priced = []
    for vendor in data:
        for model in vendor["models"]:
            found = next((one for one in vendor["models"] if matches(one["match"], model["id"].lower())), None)
            if found is model:
                priced.append((vendor["id"], model))
    tiered = [one for one in priced if "tiers" in json.dumps(one[1]["prices"], default=str) or one[1].get("price_variants")]
    generated = []
    for _ in range(COUNT):
        vendor, model = chance.choice(chance.choice([priced, tiered]))
        tier, counts = chance.choice(TIERS), usage(chance)
        if chance.random() < 0.6:  # only usages whose cost is not estimated
            own = [variant["when"].get("service_tier") for variant in model.get("price_variants", [])]
            tier = chance.choice([one for one in own if one] or [""])
            stated = json.dumps(model["prices"], default=str)
            counts = {bucket: count if KEYS[bucket] in stated or bucket == "requests" else 0 for bucket, count in counts.items()}
        at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(3 * 365 * 86_400))
        line = {"provider": vendor, "model": model["id"], "service_tier": tier, "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "usage": counts}
        generated.append((line, Price(vendor, model, tier, at).cost(counts)))
    return generated


def computed(program: str, lines: list[dict[str, Any]]) -> list[tuple[int | None, str]]:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    process = subprocess.run([program], input=text, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    rows = [json.loads(line) for line in process.stdout.splitlines()]
    return [(row["cost_nano_usd"], row["cost_status"]) for row in rows]


def main(program: str, data: str) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    with open(data, encoding="utf-8") as file:
        expected = cases(json.load(file, parse_float=Decimal, parse_int=Decimal), chance)
    found = computed(program, [line for line, _ in expected])
    wrong = [(line, cost, other) for (line, cost), other in zip(expected, found, strict=True) if cost != other]
    assert not wrong, f"{len(wrong)} of {COUNT} differ with the seed {seed}; the first is {wrong[0]}"
    statuses = {status: sum(one == status for _, one in found) for status in ("priced", "estimated", "unpriced")}
    assert min(statuses.values()) > 100, statuses
    chance.shuffle(expected)
    again = computed(program, [line for line, _ in expected])
    assert sum(cost or 0 for cost, _ in again) == sum(cost or 0 for cost, _ in found), "the sum depends on the order"
    print(f"  ok     {COUNT} usages cost as much as decimal arithmetic computes ({statuses})")
    print("e2e: 1 passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
