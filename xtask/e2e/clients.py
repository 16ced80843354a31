"""The official SDKs. They note the head of each response."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from anthropic import Anthropic
from anthropic import DefaultHttpxClient as AnthropicHttpxClient
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI


class Clients:
    """The clients of one scenario. Their requests have the same id in the journal of the provider."""

    def __init__(self, base_url: str, messages_url: str, api_key: str, request_id: str) -> None:
        self.heads: list[dict[str, Any]] = []
        headers = {"X-Request-Id": request_id}
        self._options = {"base_url": base_url, "api_key": api_key, "max_retries": 0, "default_headers": headers}
        self._http2 = base_url.startswith("https:")
        http = DefaultHttpxClient(http2=self._http2, event_hooks={"response": [self._note]})
        self.sync = OpenAI(**self._options, http_client=http)
        self._messages = {**self._options, "base_url": messages_url}
        http = AnthropicHttpxClient(http2=self._http2, event_hooks={"response": [self._note]})
        self.anthropic = Anthropic(**self._messages, http_client=http)
        self.messages = self.anthropic.messages

    def asynchronous(self) -> AsyncOpenAI:
        async def note(response: Any) -> None:
            self._note(response)

        http = DefaultAsyncHttpxClient(http2=self._http2, event_hooks={"response": [note]})
        return AsyncOpenAI(**self._options, http_client=http)

    def node(self, body: dict[str, Any], pieces: int | None = None) -> Any:
        """The result of the SDK for Node.js for a Messages request."""
        script = Path(__file__).with_name("messages.mjs")
        options, request_id = self._messages, self._messages["default_headers"]["X-Request-Id"]
        arguments = [options["base_url"], options["api_key"], request_id, json.dumps(body), str(pieces or "")]
        environment = {name: os.environ[name] for name in ("NODE_FOLDER", "NODE_EXTRA_CA_CERTS") if name in os.environ}
        process = subprocess.run(
            [os.environ["NODE"], script, *arguments], env=environment, capture_output=True, timeout=60, text=True
        )
        assert process.returncode == 0, process.stderr
        output = json.loads(process.stdout)
        self.heads += output["heads"]
        return output["result"]

    def _note(self, response: Any) -> None:
        head = {"status": response.status_code, "headers": dict(response.headers)}
        self.heads.append(head | {"version": response.http_version})

    def head(self) -> dict[str, Any]:
        """The head of the only response."""
        assert len(self.heads) == 1, f"{len(self.heads)} responses"
        return self.heads[0]
