"""What is passed through, what fails, and what is left half way."""

from __future__ import annotations

from itertools import islice
from typing import Any, Callable, Iterable

import openai

import chat
import responses
from clients import Clients
from shape import CHAT, RESPONSES, Rows, plain, scenario, user
from topics import ICELAND, LOST, MALFORMED, OWN_FAULT, SLOWLY, TOO_FAST

REFUSED = {"outcome": "failed", "status": 400, "error_type": "invalid_request"}
FAILED = {"outcome": "failed", "status": 500, "error_type": "upstream_5xx"}
LIMITED = {"outcome": "failed", "status": 429, "error_type": "rate_limited", "credential": "byok"}
# The provider reported no usage: the counts are estimates, in columns of their own.
ESTIMATED = (0, 0)
LEFT = {"streaming": True, "outcome": "cancelled"}
CUT = {"streaming": True, "outcome": "failed", "error_type": "stream_error"}


@scenario("models.list", None)
def models(clients: Clients) -> Any:
    return [plain(model) for model in clients.sync.models.list()]


@scenario("chat, the client's own key", Rows(CHAT, ICELAND, (14, 23), credential="byok"))
def own_key(clients: Clients) -> Any:
    return chat.ask(clients, ICELAND)


def raised(play: Callable[[], Any]) -> dict:
    """The exception that the SDK raises, as plain data."""
    try:
        unexpected = play()
    except openai.APIStatusError as error:
        told = {"class": type(error).__name__, "message": error.message, "status": error.status_code}
        retry = error.response.headers.get("retry-after")
        return {**told, "body": error.body, "code": error.code, "param": error.param, "retry-after": retry}
    raise AssertionError(f"no error, but {unexpected}")


@scenario("chat, refused", Rows(CHAT, MALFORMED, **REFUSED))
def chat_refused(clients: Clients) -> Any:
    return raised(lambda: chat.ask(clients, MALFORMED))


@scenario("chat, failed, streamed", Rows(CHAT, OWN_FAULT, streaming=True, **FAILED))
def chat_failed(clients: Clients) -> Any:
    return raised(lambda: chat.stream(clients, OWN_FAULT))


@scenario("chat, the client's own key, rate limited", Rows(CHAT, TOO_FAST, **LIMITED))
def chat_limited(clients: Clients) -> Any:
    return raised(lambda: chat.ask(clients, TOO_FAST))


@scenario("responses, failed", Rows(RESPONSES, OWN_FAULT, **FAILED))
def responses_failed(clients: Clients) -> Any:
    return raised(lambda: responses.ask(clients, OWN_FAULT))


@scenario("responses, refused, streamed", Rows(RESPONSES, MALFORMED, streaming=True, **REFUSED))
def responses_refused(clients: Clients) -> Any:
    return raised(lambda: responses.stream(clients, MALFORMED))


@scenario("responses, the client's own key, rate limited", Rows(RESPONSES, TOO_FAST, **LIMITED))
def responses_limited(clients: Clients) -> Any:
    return raised(lambda: responses.ask(clients, TOO_FAST))


def open_chat(clients: Clients, text: str) -> Any:
    return clients.sync.chat.completions.create(model="gpt-4.1-mini", messages=user(text), stream=True)


def open_response(clients: Clients, text: str) -> Any:
    return clients.sync.responses.create(model="gpt-4.1-mini", input=text, stream=True)


@scenario("chat, cancelled", Rows(CHAT, SLOWLY, ESTIMATED, **LEFT))
def chat_cancelled(clients: Clients) -> Any:
    with open_chat(clients, SLOWLY) as chunks:
        return [plain(chunk) for chunk in islice(chunks, 5)]


@scenario("responses, cancelled", Rows(RESPONSES, SLOWLY, ESTIMATED, **LEFT))
def responses_cancelled(clients: Clients) -> Any:
    with open_response(clients, SLOWLY) as events:
        return [plain(event) for event in islice(events, 7)]


def until_lost(pieces: Iterable) -> list:
    """What arrives before the loss, which must not look like an end.

    Directly the SDK's transport raises; the gateway sends the API's own error event, which chat raises too and
    responses hands over.
    """
    arrived: list = []
    try:
        arrived.extend(map(plain, pieces))
    except Exception:  # noqa: BLE001: the SDK lets exceptions of its transport through
        return arrived
    assert arrived and arrived[-1].get("type") == "error", f"the loss looks like an end: {arrived[-1:]}"
    return arrived[:-1]


@scenario("chat, provider lost", Rows(CHAT, LOST, ESTIMATED, **CUT), cut=True)
def chat_lost(clients: Clients) -> Any:
    return until_lost(open_chat(clients, LOST))


@scenario("responses, provider lost", Rows(RESPONSES, LOST, ESTIMATED, **CUT), cut=True)
def responses_lost(clients: Clients) -> Any:
    return until_lost(open_response(clients, LOST))
