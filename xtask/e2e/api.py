"""Validates the OpenAPI document of `/api/v1/` and the responses against it, with independent validators."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

PATHS = ("interceptions", "interceptions/{id}", "usage", "sessions", "keys", "openapi.json")


def get(gateway_url: str, target: str) -> Any:
    with urllib.request.urlopen(f"{gateway_url}/api/v1/{target}", timeout=20) as response:
        assert response.headers["cache-control"] == "no-store", response.headers
        return json.load(response)


def pages(gateway_url: str, target: str) -> list[Any]:
    """All rows, page by page."""
    rows, cursor = [], ""
    while True:
        page = get(gateway_url, f"{target}?limit=5{cursor}")
        rows.extend(page["data"])
        if page["next_cursor"] is None:
            return rows
        cursor = f"&cursor={page['next_cursor']}"


def check(gateway_url: str, store_path: str) -> None:
    """Asserts that the document is valid, that the responses match it, and that they agree with the store."""
    document = get(gateway_url, "openapi.json")
    problems = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    assert not problems, problems
    assert set(document["paths"]) >= {f"/api/v1/{path}" for path in PATHS}, document["paths"].keys()

    store = sqlite3.connect(f"file:{store_path}?mode=ro", uri=True, timeout=20)
    recorded = [row[0] for row in store.execute("SELECT id FROM aibridge_interceptions ORDER BY id DESC")]
    returned = [row["id"] for row in pages(gateway_url, "interceptions")]
    assert recorded and returned == recorded, f"recorded {recorded}, returned {returned}"

    keys = get(gateway_url, "keys")["data"]
    assert [key["provider"] for key in keys] == ["pooled", "pooled", "pooled-messages", "pooled-messages"], keys
    retired, current = keys[:2]
    assert retired["rejected"] >= 1 and retired["successes"] == 0, retired
    assert current["successes"] >= 1 and current["state"] == "valid", current

    for path in PATHS:
        schema = {"$ref": f"#/paths/~1api~1v1~1{path.replace('/', '~1')}/get/responses/200/content/application~1json/schema"}
        response = get(gateway_url, path.replace("{id}", recorded[0]))
        problems = [error.message for error in Draft202012Validator(document | schema).iter_errors(response)]
        assert not problems, f"{path}: {problems}"
