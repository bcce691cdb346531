"""An embeddings server that computes nothing, with every fault that a real one may have.

`http.server` in a thread; vectors come from a hash of the text, so that each is its text's alone.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tests.fakes import exact

MODEL = "fake/minilm"
WIDTH = 64
FAILS = "fails on the server"
"""A text with these words in it has every request that it is in fail."""
LONG = "too long for the model"
"""A text with these words in it is refused, with every other text of its request."""

Vectors = np.ndarray


@dataclass
class Faults:
    """What is wrong with the server; the defaults are one that works."""

    models: tuple[str, ...] = (MODEL,)
    lists_models: bool = True
    key: str = ""
    """The key that it wants; empty for none."""
    drift: float = 0.0
    """L2 by which vectors of a list are moved."""
    swap: bool = False
    """Exchange the first two vectors of a list, with the index of the other."""
    shuffle_index: bool = False
    """Send a list in another order, with the index that says so."""
    repeat_index: bool = False
    decimals: int | None = None
    digits: int | None = None
    float16: bool = False
    states: list[int] = field(default_factory=list)
    """States of the next answers to embeddings, instead of 200."""
    always: int | None = None
    """State of every answer to embeddings."""
    retry_after: str | None = None
    cut: bool = False
    """Close the connection in the middle of an answer."""
    broken_json: bool = False
    one_less: bool = False
    null: bool = False
    """Write null for the fourth figure of the first vector of a list."""
    slow: float = 0.0
    """Seconds before the first byte."""
    drip: bool = False
    """A byte every twentieth of a second, for ever."""
    drip_headers: bool = False
    redirect: bool = False
    redirect_to: str = ""
    """Another server that every request is sent on to."""
    redirect_state: int = 307
    moved_to: str = ""
    """Path in place of /v1 to which every request below /v1 is sent on."""
    web_page: bool = False
    other_width: bool = False
    most: int | None = None
    """Texts that it takes at once."""
    no_base64: bool = False
    repeats_key: bool = False
    """Say the key back in an error."""
    usage: bool = True
    told: dict[str, bytes] = field(default_factory=dict)
    """Answers to GET by their path, such as /version and /metrics."""
    answer: bytes | None = None
    """The answer to embeddings, whatever was asked."""
    code: str = ""
    """The code of the error with `always`."""
    owner: str = ""
    """Who owns the listed models."""
    models_at: str = "/v1/models"
    no_float: bool = False
    ignores_encoding: bool = False
    words: str = ""
    """What is said with `always`."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of every answer to a POST."""
    delay: float = 0.0
    work: float = 0.0
    """Seconds that a text takes which is computed."""
    keeps: Literal["", "texts", "requests"] = ""
    """What is kept and not computed again."""
    kept_header: str = ""
    """Header of answers in which nothing was computed; its value is `HIT`."""
    cuts_at: int | None = None
    """Words of a text that are read, the others being cut in silence."""
    company: float = 0.0
    """L2 by which vectors move, at random, where other requests are there at the same time."""
    known: dict[str, Vectors] = field(default_factory=dict)
    """Vectors of texts, in place of those of their hash."""


class FaultServer:
    """A server on a free port; `asked` keeps every request for embeddings."""

    def __init__(self, faults: Faults, certificate: Path | None = None, port: int = 0) -> None:
        self.faults = faults
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.kept: dict[object, list[Vectors]] = {}
        self.random = np.random.default_rng(7)
        self.lock = threading.Lock()
        server = self

        class Handler(_Handler):
            owner = server

        self._server = _Quiet(("127.0.0.1", port), Handler)
        self.scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.scheme = "https"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(120)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what some of the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: FaultServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        faults = self.owner.faults
        self.owner.keys.append(self.headers.get("Authorization", ""))
        if self._moves():
            self._redirect()
        elif self.path in faults.told:
            self._bytes(200, faults.told[self.path], "application/json")
        elif self.path == "/health":
            self._send(200, {})
        elif self.path not in self._lists() or not faults.lists_models:
            self._send(404, {"detail": "Not Found"})
        elif faults.web_page:
            self._page()
        elif not self._may():
            self._refuse_key()
        else:
            listed = [
                {"id": name, "object": "model", "owned_by": faults.owner} for name in faults.models
            ]
            self._send(200, {"object": "list", "data": listed})

    def do_POST(self) -> None:
        faults = self.owner.faults
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.owner.lock:
            self.owner.asked.append(body)
            self.owner.paths.append(self.path)
            self.owner.keys.append(self.headers.get("Authorization", ""))
            self.owner.at_once += 1
            self.owner.most_at_once = max(self.owner.most_at_once, self.owner.at_once)
            state = faults.states.pop(0) if faults.states else faults.always
        try:
            time.sleep(faults.delay)
            self._answer(body, state)
        finally:
            with self.owner.lock:
                self.owner.at_once -= 1

    def _answer(self, body: dict[str, Any], state: int | None) -> None:  # noqa: PLR0911
        faults = self.owner.faults
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        if self._moves():
            return self._redirect()
        if not self._may():
            return self._refuse_key()
        if faults.slow:
            time.sleep(faults.slow)
        if faults.drip or faults.drip_headers:
            return self._drip()
        if state is not None:
            said = faults.words or f"the server says {state}"
            return self._send(state, {"error": {"message": said, "code": faults.code}})
        if faults.answer is not None:
            return self._bytes(200, faults.answer, "application/json")
        if faults.web_page:
            return self._page()
        if body["model"] not in faults.models and body["model"] != MODEL:
            return self._send(404, {"error": {"message": f"no model {body['model']}"}})
        if faults.most is not None and len(texts) > faults.most:
            return self._send(422, {"error": f"batch size {len(texts)} > maximum {faults.most}"})
        if any(FAILS in text for text in texts):
            return self._send(500, {"error": {"message": "input is too large"}})
        encoding = body.get("encoding_format", "")
        if {"base64": faults.no_base64, "float": faults.no_float}.get(encoding):
            return self._send(400, {"error": {"message": f"{encoding} is not supported"}})
        if any(LONG in text for text in texts):
            return self._send(400, {"error": {"message": "maximum context length is 8 tokens"}})
        return self._embeddings(texts, body.get("encoding_format", "float"))

    def _embeddings(self, texts: list[str], encoding: str) -> None:
        faults = self.owner.faults
        vectors, computed = self._computed(texts)
        if faults.float16:
            vectors = vectors.astype(np.float16).astype(np.float32)
        if len(texts) > 1 and faults.swap:
            vectors[[0, 1]] = vectors[[1, 0]]
        if faults.other_width and len(texts) > 1:
            vectors = vectors[:, :-1]
        data = [
            {"object": "embedding", "index": at, "embedding": self._written(vector, encoding)}
            for at, vector in enumerate(vectors)
        ]
        if len(texts) > 1 and faults.shuffle_index:
            data.reverse()
        if len(texts) > 1 and faults.repeat_index:
            data[1]["index"] = 0
        if len(texts) > 1 and faults.one_less:
            data.pop()
        if len(texts) > 1 and faults.null and encoding == "float":
            data[0]["embedding"][3] = None
        usage = (
            {"prompt_tokens": sum(len(text.split()) for text in texts)} if faults.usage else None
        )
        reply = {"object": "list", "model": MODEL, "data": data, "usage": usage}
        whole = json.dumps(reply).encode()
        if len(texts) > 1 and faults.broken_json:
            return self._bytes(200, whole[: len(whole) // 2], "application/json")
        if len(texts) > 1 and faults.cut:
            self._head(200, len(whole), "application/json")
            self.wfile.write(whole[: len(whole) // 2])
            self.wfile.flush()
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return None
        return self._bytes(200, whole, "application/json", "" if computed else faults.kept_header)

    def _computed(self, texts: list[str]) -> tuple[Vectors, int]:
        """Return the vectors, and how many of them were not kept from before."""
        owner, faults = self.owner, self.owner.faults
        if faults.keeps == "requests":
            key = tuple(texts)
            fresh = 0 if key in owner.kept else len(texts)
            if fresh:
                owner.kept[key] = list(self._moved(texts, len(texts)))
            vectors = np.stack(owner.kept[key])
        elif faults.keeps == "texts":
            missing = [text for text in texts if text not in owner.kept]
            fresh = len(missing)
            if missing:
                moved = self._moved(missing, len(missing))
                owner.kept |= {text: [v] for text, v in zip(missing, moved, strict=True)}
            vectors = np.stack([owner.kept[text][0] for text in texts])
        else:
            vectors, fresh = self._moved(texts, len(texts)), len(texts)
        time.sleep(faults.work * fresh)
        return vectors, fresh

    def _moved(self, texts: list[str], together: int) -> Vectors:
        """Return the vectors as the model computes them in that company."""
        faults = self.owner.faults
        read = [" ".join(text.split()[: faults.cuts_at]) for text in texts]
        whole = texts if faults.cuts_at is None else read
        vectors = np.stack([self._vector(text) for text in whole]).astype(np.float32)
        if together > 1 and faults.drift:
            vectors[:, 0] += faults.drift
        if faults.company:
            time.sleep(0.02)  # as long as a step takes, in which other requests come
            with self.owner.lock:
                others = self.owner.at_once > 1
                by = self.owner.random.standard_normal(vectors.shape)
            if others:
                moved = vectors + faults.company * by / np.linalg.norm(by, axis=1, keepdims=True)
                vectors = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        return vectors.astype(np.float32)

    def _vector(self, text: str) -> Vectors:
        known = self.owner.faults.known.get(text)
        return exact(text, WIDTH) if known is None else known

    def _written(self, vector: Vectors, encoding: str) -> Any:
        faults = self.owner.faults
        if encoding == "base64" and not faults.ignores_encoding:
            return base64.b64encode(vector.astype("<f4").tobytes()).decode()
        figures = [float(figure) for figure in vector]
        if faults.decimals is not None:
            return [round(figure, faults.decimals) for figure in figures]
        if faults.digits is not None:
            return [float(f"{figure:.{faults.digits}g}") for figure in figures]
        return figures

    def _may(self) -> bool:
        wanted = self.owner.faults.key
        return not wanted or self.headers.get("Authorization") == f"Bearer {wanted}"

    def _refuse_key(self) -> None:
        said = "no such key"
        if self.owner.faults.repeats_key:
            said += f": {self.headers.get('Authorization')}"
        self._send(401, {"error": {"message": said}})

    def _lists(self) -> set[str]:
        faults = self.owner.faults
        return {faults.models_at, f"{faults.moved_to}/models"}

    def _moves(self) -> bool:
        faults = self.owner.faults
        moved = bool(faults.moved_to) and self.path.startswith("/v1/")
        return faults.redirect or bool(faults.redirect_to) or moved

    def _redirect(self) -> None:
        faults = self.owner.faults
        path = f"{faults.moved_to}/{self.path[4:]}" if faults.moved_to else self.path
        self.send_response(faults.redirect_state)
        self.send_header("Location", faults.redirect_to + path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _drip(self) -> None:
        with contextlib.suppress(OSError):
            if not self.owner.faults.drip_headers:
                self._head(200, 1_000_000, "application/json")
            else:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                self.wfile.write(b"1")
                self.wfile.flush()
                time.sleep(0.05)

    def _page(self) -> None:
        self._bytes(200, b"<!doctype html><html>Welcome</html>", "text/html")

    def _send(self, state: int, body: Any) -> None:
        self._bytes(state, json.dumps(body).encode(), "application/json")

    def _bytes(self, state: int, body: bytes, kind: str, kept: str = "") -> None:
        self._head(state, len(body), kind, kept)
        self.wfile.write(body)

    def _head(self, state: int, length: int, kind: str, kept: str = "") -> None:
        self.send_response(state)
        if kept:
            self.send_header(kept, "HIT")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        further = self.owner.faults.headers if self.command == "POST" else {}
        for name, value in further.items():
            self.send_header(name, value)
        if state in {429, 503} and self.owner.faults.retry_after is not None:
            self.send_header("Retry-After", self.owner.faults.retry_after)
        self.end_headers()


Serve = Callable[..., FaultServer]


@contextlib.contextmanager
def serving() -> Iterator[Serve]:
    """Start servers, and end them all."""
    started: list[FaultServer] = []

    def start(certificate: Path | None = None, **faults: Any) -> FaultServer:
        started.append(FaultServer(Faults(**faults), certificate))
        return started[-1]

    try:
        yield start
    finally:
        for server in started:
            server.close()


if __name__ == "__main__":
    FaultServer(Faults(delay=float(sys.argv[1])), port=int(sys.argv[-1]))
    threading.Event().wait()
