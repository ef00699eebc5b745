"""A chat-completions server on loopback whose answers a test decides, with a journal of what was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What the server says to one request."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """Sent as it stands instead of `body`."""


Script = Callable[[dict[str, Any], int], Answer]
"""From a request's body and its number (from 0) to the answer."""


@dataclass
class ChatServer:
    base_url: str
    journal: list[dict[str, Any]]
    """Bodies of all requests, in the order in which they came, each with its headers under `headers`."""


def message(content: str, finish_reason: str = "stop", **more: Any) -> Answer:
    """An ordinary answer of the model that was asked."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": content, **more}}
    usage = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
    return Answer(body={"choices": [choice], "usage": usage})


@contextmanager
def chat_server(script: Script) -> Iterator[ChatServer]:
    """A running server; it ends with the block."""
    journal: list[dict[str, Any]] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                number = len(journal)
                journal.append({**body, "path": self.path, "headers": dict(self.headers)})
            answer = script(body, number)
            told = answer.body
            if isinstance(told, dict) and "choices" in told:
                told = {"model": body.get("model", ""), **told}
            content = answer.raw if answer.raw is not None else json.dumps(told).encode()
            self.send_response(answer.status)
            for name, value in {"content-type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield ChatServer(f"http://127.0.0.1:{server.server_port}/v1", journal)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
