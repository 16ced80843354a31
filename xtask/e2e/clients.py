"""The official SDK, with an ear on the heads of its answers."""

from __future__ import annotations

from typing import Any

from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI


class Clients:
    """Clients of one base URL that count as one request for the provider's journal."""

    def __init__(self, base_url: str, api_key: str, request_id: str) -> None:
        self.heads: list[dict[str, Any]] = []
        headers = {"X-Request-Id": request_id}
        self._options = {"base_url": base_url, "api_key": api_key, "max_retries": 0, "default_headers": headers}
        self._http2 = base_url.startswith("https:")
        http = DefaultHttpxClient(http2=self._http2, event_hooks={"response": [self._note]})
        self.sync = OpenAI(**self._options, http_client=http)

    def asynchronous(self) -> AsyncOpenAI:
        async def note(response: Any) -> None:
            self._note(response)

        http = DefaultAsyncHttpxClient(http2=self._http2, event_hooks={"response": [note]})
        return AsyncOpenAI(**self._options, http_client=http)

    def _note(self, response: Any) -> None:
        head = {"status": response.status_code, "headers": dict(response.headers)}
        self.heads.append(head | {"version": response.http_version})

    def head(self) -> dict[str, Any]:
        """The head of the one answer."""
        assert len(self.heads) == 1, f"{len(self.heads)} answers"
        return self.heads[0]
