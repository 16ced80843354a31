"""The prompts of the scenarios; `answers.json` has the response of the provider to each."""

from __future__ import annotations

from pydantic import BaseModel

ICELAND = "What is the capital of Iceland?"
CITIES = "What is the weather in Lisbon and Oslo?"
PANCAKES = "Give me a recipe for pancakes."
PRIMES = "Tell me how many primes below 30 there are."
HELIUM = "Please look up who discovered helium."
MALFORMED = "Now refuse this as malformed."
OWN_FAULT = "Now fail for reasons of your own."
TOO_FAST = "Now ask me to slow down."
SLOWLY = "Please count slowly to fifty."
LOST = "Now lose the line half way."

THINKS = "gpt-5-mini"
REASONING = "Listing them: 2, 3, 5, 7, 11, 13, 17, 19, 23, 29. That makes ten."
SEARCH = ("web_search", {"type": "search", "query": "discovery of helium 1868"}, None)

WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city now",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["city"],
    },
}
OSLO = ("get_weather", {"city": "Oslo", "unit": "celsius"}, "call_oslo")
LISBON = ("get_weather", {"city": "Lisbon", "unit": "celsius"}, "call_lisbon")
LISBON_SAYS = '{"sky":"sunny","celsius":24}'


class Recipe(BaseModel):
    """The schema of a recipe, for structured output."""

    title: str
    minutes: int
    ingredients: list[str]
