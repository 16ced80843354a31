"""The Responses API of OpenAI."""

from __future__ import annotations

from typing import Any

from clients import Clients
from scenarios import RESPONSES, Rows, plain, scenario, user
from topics import CITIES, HELIUM, ICELAND, LISBON, LISBON_SAYS, OSLO, PANCAKES, PRIMES, REASONING, SEARCH, THINKS
from topics import WEATHER, Recipe

TOOLS = [{"type": "function", **WEATHER}]


def ask(clients: Clients, text: Any, **more: Any) -> Any:
    request = {"model": "gpt-4.1-mini", "input": text, **more}
    return plain(clients.sync.responses.create(**request))


def stream(clients: Clients, text: Any, **more: Any) -> list:
    request = {"model": "gpt-4.1-mini", "input": text, **more}
    return [plain(event) for event in clients.sync.responses.create(stream=True, **request)]


@scenario("responses, blocking", Rows(RESPONSES, ICELAND, (14, 23), response_id="chatcmpl-iceland"))
def blocking(clients: Clients) -> Any:
    return ask(clients, ICELAND)


@scenario("responses, streamed", Rows(RESPONSES, ICELAND, (14, 23), streaming=True, response_id="chatcmpl-iceland"))
def streamed(clients: Clients) -> Any:
    return stream(clients, ICELAND)


@scenario("responses, tools", Rows(RESPONSES, CITIES, (83, 41), tools=(OSLO, LISBON)))
def tools(clients: Clients) -> Any:
    return ask(clients, CITIES, tools=TOOLS)


@scenario("responses, tools, streamed", Rows(RESPONSES, CITIES, (83, 41), streaming=True, tools=(OSLO, LISBON)))
def tools_streamed(clients: Clients) -> Any:
    return stream(clients, CITIES, tools=TOOLS)


@scenario("responses, a tool's result", Rows(RESPONSES, None, (121, 19), correlating="call_lisbon"))
def tool_result(clients: Clients) -> Any:
    name, arguments, call = LISBON
    history = [
        *user(CITIES),
        {"type": "function_call", "call_id": call, "name": name, "arguments": str(arguments)},
        {"type": "function_call_output", "call_id": call, "output": LISBON_SAYS},
    ]
    return ask(clients, history, tools=TOOLS)


@scenario("responses, structured output", Rows(RESPONSES, PANCAKES, (52, 25)))
def structured(clients: Clients) -> Any:
    response = clients.sync.responses.parse(model="gpt-4.1-mini", input=PANCAKES, text_format=Recipe)
    assert response.output_parsed.minutes == 20
    return plain(response)


@scenario("responses, structured output, streamed", Rows(RESPONSES, PANCAKES, (52, 25), streaming=True))
def structured_streamed(clients: Clients) -> Any:
    with clients.sync.responses.stream(model="gpt-4.1-mini", input=PANCAKES, text_format=Recipe) as events:
        seen = [plain(event) for event in events]
        return [seen, plain(events.get_final_response())]


@scenario(
    "responses, reasoning",
    Rows(RESPONSES, PRIMES, (17, 48), model=THINKS, thoughts=((REASONING, "reasoning_summary"),)),
)
def reasoning(clients: Clients) -> Any:
    return ask(clients, PRIMES, model=THINKS)


@scenario(
    "responses, reasoning, streamed",
    Rows(RESPONSES, PRIMES, (17, 48), streaming=True, model=THINKS, thoughts=((REASONING, "reasoning_summary"),)),
)
def reasoning_streamed(clients: Clients) -> Any:
    return stream(clients, PRIMES, model=THINKS)


@scenario("responses, web search", Rows(RESPONSES, HELIUM, (310, 27), tools=(SEARCH,)))
def web_search(clients: Clients) -> Any:
    return ask(clients, user(HELIUM), tools=[{"type": "web_search"}])


@scenario("responses, web search, streamed", Rows(RESPONSES, HELIUM, (310, 27), streaming=True, tools=(SEARCH,)))
def web_search_streamed(clients: Clients) -> Any:
    return stream(clients, HELIUM, tools=[{"type": "web_search"}])
