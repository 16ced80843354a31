"""Runs the checks of a script one after the other, and prints the result of each."""

from __future__ import annotations

import time
import traceback
from typing import Callable, Iterable

Check = tuple[str, Callable[[], None]]
"""The name of a check, and a function that raises if it fails."""


def run(checks: Iterable[Check]) -> tuple[int, int]:
    """Runs all checks, and returns the number of those that passed and failed."""
    passed = failed = 0
    for name, check in checks:
        started = time.monotonic()
        reason = ""
        try:
            check()
            passed += 1
        except Exception as error:  # noqa: BLE001: a failed check must not prevent the next one
            failed += 1
            reason = (str(error) if isinstance(error, AssertionError) else traceback.format_exc()) or "an assertion"
        result = "FAILED" if reason else "ok    "
        text = f"  {result} {name} ({time.monotonic() - started:.2f} s)"
        print("\n         ".join([text, *reason.splitlines()]), flush=True)
    return passed, failed


def report(passed: int, failed: int) -> int:
    """Prints the line that `cargo xtask ci` adds up, and returns the exit code."""
    print(f"e2e: {passed} passed, {failed} failed")
    return 1 if failed else 0
