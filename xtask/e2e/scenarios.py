"""The scenarios, and the records that each must have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from clients import Clients

CHAT, RESPONSES, MESSAGES = "/chat/completions", "/responses", "/v1/messages"


@dataclass(frozen=True)
class Rows:
    """The expected records of one interception."""

    route: str
    prompt: str | None
    tokens: tuple[int, int] | None = None
    """Input and output; None if the provider reports no usage, so that none is recorded."""
    streaming: bool = False
    model: str = "gpt-4.1-mini"
    response_id: str | None = None
    correlating: str | None = None
    tools: tuple[tuple[str, Any, str | None], ...] = ()
    """Name, arguments, and the provider's id of the call; None if the id differs in each response."""
    thoughts: tuple[tuple[str, str], ...] = ()
    """Text and source."""
    outcome: str = "completed"
    status: int = 200
    error_type: str | None = None
    credential: str = "centralized"
    client: str | None = None
    """The name of the client; None: that of the SDK for Python."""


@dataclass(frozen=True)
class Scenario:
    name: str
    rows: Rows | None
    """None on a passthrough route, which is not recorded."""
    play: Callable[[Clients], Any]
    """Returns the result of the SDK as plain data."""
    is_cut: bool = False
    """Whether the provider closes the connection, so that the number of received events varies."""


SCENARIOS: list[Scenario] = []


def scenario(name: str, rows: Rows | None, is_cut: bool = False) -> Callable:
    """Adds the decorated function to the scenarios."""

    def add(play: Callable[[Clients], Any]) -> Callable[[Clients], Any]:
        SCENARIOS.append(Scenario(name, rows, play, is_cut))
        return play

    return add


def plain(value: Any) -> Any:
    """A Pydantic model as plain data, with exactly the members of the JSON that was received."""
    return value.model_dump(mode="json", exclude_unset=True, warnings=False)


def user(text: str) -> list[dict]:
    return [{"role": "user", "content": text}]
