"""A provider with scripted responses, and a relay that records the attempts of a client."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Callable
from urllib.parse import urlsplit


@dataclass
class Response:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ReceivedRequest:
    method: str
    path: str
    headers: dict[str, str]
    body: Any

    @property
    def is_model_call(self) -> bool:
        return self.path.split("?")[0] in ("/v1/messages", "/v1/responses")


class Server:
    """A server on a free port that calls `respond` for each request."""

    def __init__(self, respond: Callable[[BaseHTTPRequestHandler, bytes], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                respond(self, body)

            do_GET = do_HEAD = do_POST = handle_one

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"


class Provider(Server):
    """Responds to model calls by `script`, which gets their number in the scenario and the body."""

    def __init__(self) -> None:
        self.script: Callable[[int, Any], Response] = lambda number, body: Response(500, b"{}")
        self.received: list[ReceivedRequest] = []
        super().__init__(self._respond)

    def begin(self, script: Callable[[int, Any], Response]) -> None:
        self.script, self.received = script, []

    def _respond(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        parsed = json.loads(body) if body else None
        request = ReceivedRequest(handler.command, handler.path, {name.lower(): value for name, value in handler.headers.items()}, parsed)
        if handler.headers.get("upgrade"):
            response = Response(426, b"")
        elif request.is_model_call and handler.command == "POST":
            response = self.script(sum(one.is_model_call for one in self.received), parsed)
            self.received.append(request)
        else:
            response = Response(404, b"")
        handler.send_response(response.status)
        for name, value in response.headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(response.body)))
        try:
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(response.body)
        except ConnectionError:  # the client has left
            handler.close_connection = True


class Relay(Server):
    """Relays to `target`, and records the method and status of each attempt at a model call."""

    def __init__(self) -> None:
        self.target = ""
        self.attempts: list[tuple[str, int]] = []
        super().__init__(self._respond)

    def begin(self, target: str) -> str:
        self.target, self.attempts = target, []
        return self.url

    def _respond(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        target = urlsplit(self.target)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "host"}
        connection.request(handler.command, target.path + handler.path, body or None, headers)
        response = connection.getresponse()
        if handler.path.split("?")[0].endswith(("/messages", "/responses")):
            self.attempts.append((handler.command, response.status))
        handler.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                handler.send_header(name, value)
        handler.send_header("connection", "close")
        handler.close_connection = True
        handler.end_headers()
        while chunk := response.read1(65536):
            handler.wfile.write(chunk)
            handler.wfile.flush()
        connection.close()


def events(*data: dict[str, Any]) -> Response:
    """A stream of these events, each with the name of its type."""
    text = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in data)
    return Response(200, text.encode(), {"content-type": "text/event-stream"})


def refusal(status: int, kind: str, message: str, **headers: str) -> Response:
    """An error in the format of the Anthropic API."""
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_e2e"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, json.dumps(body).encode(), {"content-type": "application/json", **named})
