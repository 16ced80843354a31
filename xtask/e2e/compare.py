"""Compares the two results of a scenario."""

from __future__ import annotations

import json
import re
from difflib import unified_diff
from typing import Any

FRESH = re.compile(r'"((?:msg|fc|rs|ws)-[A-Za-z0-9_-]{8,})"')
"""Ids of output items, which aimock generates for each response."""


def json_lines(value: Any) -> list[str]:
    """`value` as lines of JSON, with generated ids replaced by their order of appearance."""
    order: dict[str, str] = {}

    def ordinal(match: re.Match) -> str:
        fresh = match.group(1)
        return '"' + order.setdefault(fresh, f"{fresh.split('-')[0]}-#{len(order)}") + '"'

    return FRESH.sub(ordinal, json.dumps(value, indent=1, ensure_ascii=False)).splitlines()


def same(what: str, direct: Any, through: Any) -> None:
    """Asserts that the result through the gateway equals the direct one."""
    expected, actual = json_lines(direct), json_lines(through)
    difference = unified_diff(expected, actual, "direct", "through the gateway", lineterm="", n=1)
    assert expected == actual, "\n".join([f"{what} differs", *difference][:60])


def same_start(what: str, direct: list, through: list) -> None:
    """Asserts that the shorter list is not empty, and is the start of the longer one."""
    length = min(len(direct), len(through))
    assert length > 0, f"{what}: {len(direct)} pieces directly, {len(through)} through the gateway"
    same(what, direct[:length], through[:length])
