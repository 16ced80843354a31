"""The records of the gateway."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from scenarios import MESSAGES, Rows


class Store:
    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
        self._connection.row_factory = sqlite3.Row

    def assert_holds(self, interception: str, expected: Rows, hint: str) -> None:
        """Asserts that the records of `interception` are exactly those in `expected`.

        Waits for them: they are durable in the journal when the response ends, and in the database a moment later.
        """
        ended = self._ended(interception)
        recorded = self._recorded(interception)
        rows = expected_rows(expected, hint)
        assert {**recorded, **ended} == rows, difference({**recorded, **ended}, rows)
        if expected.response_id:
            ids = self._column("provider_response_id", "aibridge_token_usages", interception)
            assert ids == [expected.response_id], f"recorded response ids {ids}"

    def _recorded(self, interception: str) -> dict[str, Any]:
        usages = self._rows("aibridge_token_usages", interception)
        tools = self._rows("aibridge_tool_usages", interception)
        thoughts = self._rows("aibridge_model_thoughts", interception)
        return {
            "prompt": self._column("prompt", "aibridge_user_prompts", interception),
            "tokens": [(row["input_tokens"], row["output_tokens"]) for row in usages],
            "total": [json.loads(row["extra_token_types"] or "{}").get("total_tokens") for row in usages],
            "tools": [(row["tool"], json.loads(row["input"])) for row in tools],
            "calls": [row["provider_tool_call_id"] for row in tools if "call_" in str(row["provider_tool_call_id"])],
            "injected": [bool(row["injected"]) for row in tools],
            "thoughts": [(row["content"], json.loads(row["metadata"])["source"]) for row in thoughts],
        }

    def _ended(self, interception: str) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while True:
            query = "SELECT * FROM aibridge_interceptions WHERE id = ?"
            row = self._connection.execute(query, (interception,)).fetchone()
            if row and row["ended_at"]:
                break
            assert time.monotonic() < deadline, f"interception {interception} is not recorded, or does not end"
            time.sleep(0.005)
        kept = ["route", "model", "outcome", "upstream_status", "error_type", "correlating_tool_call_id"]
        kept += ["credential_kind", "credential_hint", "initiator_id", "provider", "client"]
        return {**{name: row[name] for name in kept}, "streaming": bool(row["streaming"])}

    def _rows(self, table: str, interception: str) -> list[sqlite3.Row]:
        query = f"SELECT * FROM {table} WHERE interception_id = ? ORDER BY id"
        return self._connection.execute(query, (interception,)).fetchall()

    def _column(self, column: str, table: str, interception: str) -> list[Any]:
        return [row[column] for row in self._rows(table, interception)]


def expected_rows(rows: Rows, hint: str) -> dict[str, Any]:
    is_openai = rows.route != MESSAGES
    return {
        "prompt": [rows.prompt] if rows.prompt else [],
        "tokens": [rows.tokens] if rows.tokens else [],
        "total": [(sum(rows.tokens) or None) if is_openai else None] if rows.tokens else [],
        "tools": [(name, arguments) for name, arguments, _ in rows.tools],
        "calls": [call for _, _, call in rows.tools if call],
        "injected": [False for _ in rows.tools],
        "thoughts": list(rows.thoughts),
        "route": rows.route,
        "model": rows.model,
        "outcome": rows.outcome,
        "upstream_status": rows.status,
        "error_type": rows.error_type,
        "correlating_tool_call_id": rows.correlating,
        "credential_kind": rows.credential,
        "credential_hint": hint,
        "initiator_id": "anonymous",
        "provider": "openai" if is_openai else "anthropic",
        "client": rows.client or ("OpenAI SDK (Python)" if is_openai else "Anthropic SDK (Python)"),
        "streaming": rows.streaming,
    }


def difference(recorded: dict[str, Any], expected: dict[str, Any]) -> str:
    different = [name for name in expected if recorded[name] != expected[name]]
    return "\n".join(f"{name}: recorded {recorded[name]!r}, expected {expected[name]!r}" for name in different)
