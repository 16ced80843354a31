"""The Chat Completions API of OpenAI."""

from __future__ import annotations

import asyncio
from typing import Any

from clients import Clients
from scenarios import CHAT, Rows, plain, scenario, user
from topics import CITIES, ICELAND, LISBON, LISBON_SAYS, OSLO, PANCAKES, PRIMES, REASONING, THINKS, WEATHER, Recipe

TOOLS = [{"type": "function", "function": WEATHER}]
USAGE = {"include_usage": True}


def ask(clients: Clients, text: str, **more: Any) -> Any:
    request = {"model": "gpt-4.1-mini", "messages": user(text), **more}
    return plain(clients.sync.chat.completions.create(**request))


def stream(clients: Clients, text: str, **more: Any) -> list:
    request = {"model": "gpt-4.1-mini", "messages": user(text), **more}
    return [plain(chunk) for chunk in clients.sync.chat.completions.create(stream=True, **request)]


@scenario("chat, blocking", Rows(CHAT, ICELAND, (14, 23), response_id="chatcmpl-iceland"))
def blocking(clients: Clients) -> Any:
    return ask(clients, ICELAND)


@scenario("chat, streamed", Rows(CHAT, ICELAND, (14, 23), streaming=True, response_id="chatcmpl-iceland"))
def streamed(clients: Clients) -> Any:
    return stream(clients, ICELAND)


@scenario("chat, streamed with usage", Rows(CHAT, ICELAND, (14, 23), streaming=True))
def streamed_with_usage(clients: Clients) -> Any:
    return stream(clients, ICELAND, stream_options=USAGE)


@scenario("chat, streamed, asynchronous client", Rows(CHAT, ICELAND, (14, 23), streaming=True))
def streamed_asynchronously(clients: Clients) -> Any:
    async def play() -> list:
        request = {"model": "gpt-4.1-mini", "messages": user(ICELAND), "stream_options": USAGE}
        chunks = await clients.asynchronous().chat.completions.create(stream=True, **request)
        return [plain(chunk) async for chunk in chunks]

    return asyncio.run(play())


@scenario("chat, tools", Rows(CHAT, CITIES, (83, 41), tools=(OSLO, LISBON)))
def tools(clients: Clients) -> Any:
    return ask(clients, CITIES, tools=TOOLS)


@scenario("chat, tools, streamed", Rows(CHAT, CITIES, (83, 41), streaming=True, tools=(OSLO, LISBON)))
def tools_streamed(clients: Clients) -> Any:
    return stream(clients, CITIES, tools=TOOLS)


@scenario("chat, a tool's result", Rows(CHAT, None, (121, 19), correlating="call_lisbon"))
def tool_result(clients: Clients) -> Any:
    name, arguments, call = LISBON
    calls = [{"id": call, "type": "function", "function": {"name": name, "arguments": str(arguments)}}]
    history = [
        *user(CITIES),
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": call, "content": LISBON_SAYS},
    ]
    return ask(clients, CITIES, messages=history, tools=TOOLS)


@scenario("chat, structured output", Rows(CHAT, PANCAKES, (52, 25)))
def structured(clients: Clients) -> Any:
    request = {"model": "gpt-4.1-mini", "messages": user(PANCAKES), "response_format": Recipe}
    completion = clients.sync.chat.completions.parse(**request)
    assert completion.choices[0].message.parsed.minutes == 20
    return plain(completion)


@scenario("chat, structured output, streamed", Rows(CHAT, PANCAKES, (52, 25), streaming=True))
def structured_streamed(clients: Clients) -> Any:
    request = {"model": "gpt-4.1-mini", "messages": user(PANCAKES), "response_format": Recipe}
    with clients.sync.chat.completions.stream(**request) as events:
        seen = [plain(event) for event in events]
        return [seen, plain(events.get_final_completion())]


@scenario("chat, reasoning", Rows(CHAT, PRIMES, (17, 48), model=THINKS, thoughts=((REASONING, "thinking"),)))
def reasoning(clients: Clients) -> Any:
    return ask(clients, PRIMES, model=THINKS)


@scenario(
    "chat, reasoning, streamed",
    Rows(CHAT, PRIMES, (17, 48), streaming=True, model=THINKS, thoughts=((REASONING, "thinking"),)),
)
def reasoning_streamed(clients: Clients) -> Any:
    return stream(clients, PRIMES, model=THINKS)
