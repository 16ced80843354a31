"""What a scenario is, and what must be on record after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from clients import Clients

CHAT, RESPONSES, MESSAGES = "/chat/completions", "/responses", "/v1/messages"


@dataclass(frozen=True)
class Rows:
    """What the store must hold about one interception."""

    route: str
    prompt: str | None
    tokens: tuple[int, int] | None = None
    """Input and output; None: no usage was told, so none is on record."""
    streaming: bool = False
    model: str = "gpt-4.1-mini"
    response_id: str | None = None
    correlating: str | None = None
    tools: tuple[tuple[str, Any, str | None], ...] = ()
    """Name, arguments, and the provider's id of the call unless it makes a fresh one."""
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
    """Nothing is recorded about what is passed through."""
    play: Callable[[Clients], Any]
    """What the SDK gives a client, as plain data."""
    cut: bool = False
    """The provider vanishes, so how many pieces arrive is a matter of chance."""


SCENARIOS: list[Scenario] = []


def scenario(name: str, rows: Rows | None, cut: bool = False) -> Callable:
    """Adds the decorated function to the scenarios."""

    def add(play: Callable[[Clients], Any]) -> Callable[[Clients], Any]:
        SCENARIOS.append(Scenario(name, rows, play, cut))
        return play

    return add


def plain(value: Any) -> Any:
    """A Pydantic model as plain data, with exactly the members that came over the wire."""
    return value.model_dump(mode="json", exclude_unset=True, warnings=False)


def user(text: str) -> list[dict]:
    return [{"role": "user", "content": text}]
