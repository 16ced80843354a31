"""The Messages API of Anthropic, with the SDKs for Python and Node.js."""

from __future__ import annotations

from itertools import islice
from typing import Any, Callable

import anthropic

from clients import Clients
from others import CANCELLED, CUT, FAILED, LIMITED, REFUSED
from scenarios import MESSAGES, Rows, plain, scenario, user
from topics import CITIES, ICELAND, LISBON, LISBON_SAYS, LOST, MALFORMED, OSLO, OWN_FAULT, PRIMES, REASONING, SLOWLY
from topics import THINKS, TOO_FAST, WEATHER

TOOLS = [{"name": WEATHER["name"], "description": WEATHER["description"], "input_schema": WEATHER["parameters"]}]
THINKING = {"type": "enabled", "budget_tokens": 1024}
NODE = "Anthropic SDK (Node)"


def request(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4.1-mini", "max_tokens": 2048, "messages": user(text), **more}


def ask(clients: Clients, text: str, **more: Any) -> Any:
    return plain(clients.messages.create(**request(text, **more)))


def stream(clients: Clients, text: str, **more: Any) -> list:
    return [plain(event) for event in clients.messages.create(stream=True, **request(text, **more))]


def both(name: str, rows: Rows, **more: Any) -> None:
    """Adds a scenario for each SDK, with the same request."""
    play = stream if rows.streaming else ask
    text = more.pop("text", rows.prompt)
    scenario(f"messages, {name}", rows)(lambda clients: play(clients, text, **more))
    node_rows = Rows(**{**vars(rows), "client": NODE})
    body = request(text, **more) | ({"stream": True} if rows.streaming else {})
    scenario(f"messages, {name}, Node.js", node_rows)(lambda clients: clients.node(body))


name, arguments, call = LISBON
HISTORY = [
    *user(CITIES),
    {"role": "assistant", "content": [{"type": "tool_use", "id": call, "name": name, "input": arguments}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": LISBON_SAYS}]},
]
THOUGHTS = ((REASONING, "thinking"),)

both("blocking", Rows(MESSAGES, ICELAND, (14, 23), response_id="chatcmpl-iceland"))
both("streamed", Rows(MESSAGES, ICELAND, (14, 23), streaming=True, response_id="chatcmpl-iceland"))
both("tools", Rows(MESSAGES, CITIES, (83, 41), tools=(OSLO, LISBON)), tools=TOOLS)
both("tools, streamed", Rows(MESSAGES, CITIES, (83, 41), streaming=True, tools=(OSLO, LISBON)), tools=TOOLS)
both("a tool's result", Rows(MESSAGES, None, (121, 19), correlating=call), text=CITIES, messages=HISTORY, tools=TOOLS)
both("thinking", Rows(MESSAGES, PRIMES, (17, 48), model=THINKS, thoughts=THOUGHTS), model=THINKS, thinking=THINKING)
both(
    "thinking, streamed",
    Rows(MESSAGES, PRIMES, (17, 48), streaming=True, model=THINKS, thoughts=THOUGHTS),
    model=THINKS,
    thinking=THINKING,
)
both("own key", Rows(MESSAGES, ICELAND, (14, 23), credential="byok"))


def raised(play: Callable[[], Any]) -> dict:
    """The exception that the SDK raises, as plain data."""
    try:
        unexpected = play()
    except anthropic.APIStatusError as error:
        error_data = {"class": type(error).__name__, "message": error.message, "status": error.status_code}
        return {**error_data, "body": error.body, "retry-after": error.response.headers.get("retry-after")}
    raise AssertionError(f"no error, but {unexpected}")


def failing(name: str, rows: Rows) -> None:
    """Adds a scenario for each SDK whose request the provider refuses."""
    play = stream if rows.streaming else ask
    scenario(f"messages, {name}", rows)(lambda clients: raised(lambda: play(clients, rows.prompt)))
    body = request(rows.prompt) | ({"stream": True} if rows.streaming else {})
    node_rows = Rows(**{**vars(rows), "client": NODE})
    scenario(f"messages, {name}, Node.js", node_rows)(lambda clients: clients.node(body))


failing("refused", Rows(MESSAGES, MALFORMED, **REFUSED))
failing("failed, streamed", Rows(MESSAGES, OWN_FAULT, streaming=True, **FAILED))
failing("the client's own key, rate limited", Rows(MESSAGES, TOO_FAST, **LIMITED))


@scenario("messages, cancelled", Rows(MESSAGES, SLOWLY, (9, 150), **CANCELLED))
def cancelled(clients: Clients) -> Any:
    with clients.messages.create(stream=True, **request(SLOWLY)) as events:
        return [plain(event) for event in islice(events, 5)]


@scenario("messages, cancelled, Node.js", Rows(MESSAGES, SLOWLY, (9, 150), client=NODE, **CANCELLED))
def cancelled_in_node(clients: Clients) -> Any:
    return clients.node(request(SLOWLY) | {"stream": True}, pieces=5)


@scenario("messages, provider lost", Rows(MESSAGES, LOST, (11, 18), **CUT), is_cut=True)
def lost(clients: Clients) -> Any:
    """The events before the connection is lost. The SDK must raise an exception, of its transport or for the error event."""
    arrived: list = []
    try:
        for event in clients.messages.create(stream=True, **request(LOST)):
            arrived.append(plain(event))
    except Exception:  # noqa: BLE001: the SDK does not wrap the exceptions of its transport
        return arrived
    raise AssertionError(f"the loss looks like an end: {arrived[-1:]}")


@scenario("messages, models.list", None)
def models(clients: Clients) -> Any:
    return [plain(model) for model in clients.anthropic.models.list()]
