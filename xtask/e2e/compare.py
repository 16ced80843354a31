"""Whether two plays of a scenario gave the same."""

from __future__ import annotations

import json
import re
from difflib import unified_diff
from typing import Any

FRESH = re.compile(r'"((?:msg|fc|rs|ws)-[A-Za-z0-9_-]{8,})"')
"""Ids of output items, which aimock draws anew for every answer and lets nobody choose."""


def written(value: Any) -> list[str]:
    """`value` as lines of JSON, with fresh ids replaced by their order of appearance."""
    order: dict[str, str] = {}

    def ordinal(match: re.Match) -> str:
        fresh = match.group(1)
        return '"' + order.setdefault(fresh, f"{fresh.split('-')[0]}-#{len(order)}") + '"'

    return FRESH.sub(ordinal, json.dumps(value, indent=1, ensure_ascii=False)).splitlines()


def same(what: str, direct: Any, through: Any) -> None:
    """Asserts that what came through the gateway is what came directly."""
    expected, actual = written(direct), written(through)
    difference = unified_diff(expected, actual, "direct", "through the gateway", lineterm="", n=1)
    assert expected == actual, "\n".join([f"{what} differs", *difference][:60])


def same_start(what: str, direct: list, through: list) -> None:
    """Asserts that both begin alike as far as both go, which must be somewhere."""
    length = min(len(direct), len(through))
    assert length > 0, f"{what}: {len(direct)} pieces directly, {len(through)} through the gateway"
    same(what, direct[:length], through[:length])
