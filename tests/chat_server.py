"""A chat completions server on loopback in a thread, which answers and misbehaves as a test wants: `with served(answer) as server`."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = Mapping[str, Any]
Answer = Callable[[Body], Any]


@dataclass(frozen=True)
class Fault:
    """What is sent instead of an answer. promised: a Content-Length that is not kept. held: wait for the end of the test before sending."""

    status: int = 200
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    held: bool = False


@dataclass
class Served:
    """The running server. bodies, headers: of every request so far. faults: of the next requests, one each, None for an answer."""

    url: str
    answer: Answer
    bodies: list[Body] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    usage: Mapping[str, Any] = field(default_factory=lambda: {"prompt_tokens": 10, "completion_tokens": 2})
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def arguments(self) -> dict[str, Any]:
        """Of the adapter: no pause worth the name between tries."""
        return {"base_url": self.url, "model": "made/parrot", "backoff": 0.001}

    def next(self, body: Body, headers: Mapping[str, str]) -> Fault:
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)
            fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            return fault
        said = self.answer(body)
        return Fault(text=json.dumps(said if isinstance(said, dict) else completion(said, usage=self.usage)))


def completion(content: Any, finish_reason: str = "stop", **more: Any) -> dict[str, Any]:
    """A completion of one message. more: `usage`, `model`, `logprobs` and so on."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
    if "logprobs" in more:
        choice["logprobs"] = more.pop("logprobs")
    return {"id": "1", "object": "chat.completion", "choices": [choice], **more}


def first_tokens(**logprobs: float) -> dict[str, Any]:
    """The `logprobs` of a completion whose first token could be any of these."""
    return {"content": [{"token": "x", "logprob": -1.0, "top_logprobs": [{"token": t, "logprob": p} for t, p in logprobs.items()]}]}


def judged_of(body: Body) -> str | None:
    """The prompt of a judge's request; None for a request to a model, whose content has parts."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else None


def text_of(body: Body) -> str | None:
    """The words of the user's turn; None where it is a clip."""
    part = body["messages"][-1]["content"][0]
    return part["text"] if part["type"] == "text" else None


def wav_of(body: Body) -> bytes | None:
    """The file in the user's turn; None where it is words."""
    part = body["messages"][-1]["content"][0]
    return base64.b64decode(part["input_audio"]["data"]) if part["type"] == "input_audio" else None


@contextmanager
def served(answer: Answer | str = "yes", faults: Sequence[Fault | None] = ()) -> Iterator[Served]:
    """Inside the `with` a server runs. answer: body -> content or whole completion, or one content for all."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fault = state.next(body, dict(self.headers))
            if fault.held:
                state.released.wait(10)
            encoded = fault.text.encode()
            try:
                self.send_response(fault.status)
                for name, value in fault.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(encoded) if fault.promised is None else fault.promised))
                self.end_headers()
                self.wfile.write(encoded)
            except OSError:  # the client has left
                pass

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = Served(
        f"http://127.0.0.1:{server.server_port}/v1", (lambda body: answer) if isinstance(answer, str) else answer, faults=list(faults)
    )
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        server.server_close()
