"""Passthrough requests, failures, and requests that the client cancels or the provider cuts."""

from __future__ import annotations

from itertools import islice
from typing import Any, Callable, Iterable

import openai

import chat
import responses
from clients import Clients
from scenarios import CHAT, RESPONSES, Rows, plain, scenario, user
from topics import ICELAND, LOST, MALFORMED, OWN_FAULT, SLOWLY, TOO_FAST

REFUSED = {"outcome": "failed", "status": 400, "error_type": "invalid_request"}
FAILED = {"outcome": "failed", "status": 500, "error_type": "upstream_5xx"}
LIMITED = {"outcome": "failed", "status": 429, "error_type": "rate_limited", "credential": "byok"}
# The provider reports no usage: the records have estimates in separate columns, and zero in these.
ESTIMATED = (0, 0)
CANCELLED = {"streaming": True, "outcome": "cancelled"}
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
        error_data = {"class": type(error).__name__, "message": error.message, "status": error.status_code}
        retry = error.response.headers.get("retry-after")
        return {**error_data, "body": error.body, "code": error.code, "param": error.param, "retry-after": retry}
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


@scenario("chat, cancelled", Rows(CHAT, SLOWLY, ESTIMATED, **CANCELLED))
def chat_cancelled(clients: Clients) -> Any:
    with open_chat(clients, SLOWLY) as chunks:
        return [plain(chunk) for chunk in islice(chunks, 5)]


@scenario("responses, cancelled", Rows(RESPONSES, SLOWLY, ESTIMATED, **CANCELLED))
def responses_cancelled(clients: Clients) -> Any:
    with open_response(clients, SLOWLY) as events:
        return [plain(event) for event in islice(events, 7)]


def until_lost(pieces: Iterable) -> list:
    """The events before the connection is lost, which must not look like a regular end.

    Directly, the transport of the SDK raises an exception. The gateway sends the error event of the API: the SDK raises
    it for chat, and returns it as an event for responses.
    """
    arrived: list = []
    try:
        arrived.extend(map(plain, pieces))
    except Exception:  # noqa: BLE001: the SDK does not wrap the exceptions of its transport
        return arrived
    assert arrived and arrived[-1].get("type") == "error", f"the loss looks like an end: {arrived[-1:]}"
    return arrived[:-1]


@scenario("chat, provider lost", Rows(CHAT, LOST, ESTIMATED, **CUT), is_cut=True)
def chat_lost(clients: Clients) -> Any:
    return until_lost(open_chat(clients, LOST))


@scenario("responses, provider lost", Rows(RESPONSES, LOST, ESTIMATED, **CUT), is_cut=True)
def responses_lost(clients: Clients) -> Any:
    return until_lost(open_response(clients, LOST))
