"""Requests that end: every one has its time, its tries and its redirects, and can be called off.

httpx2 speaks HTTP, in an event loop of its own thread: only there can a request be bounded as a
whole. A time-out per read, which is what blocking clients have, never strikes a server that sends
a byte now and then. httpx2 is what huggingface-hub brings along, and reads the system's
certificates.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx2

from embedtui import __version__
from embedtui.common import paths
from embedtui.common.address import Address, Origin
from embedtui.common.errors import Cancelled, InputError
from embedtui.common.printable import printable
from embedtui.engine.access import Access, Secret
from embedtui.engine.remote.http_answer import (
    Answer,
    Body,
    PackedError,
    TooLargeError,
    kept_by,
)
from embedtui.engine.remote.server_error import Fault, ServerError

_POLL_SECONDS = 0.05
_REDIRECTS = 5
_MOVED = {301, 302, 303, 307, 308}
_UNSENT = (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, ValueError)
"""Errors in what was to be sent."""
_SAME_METHOD = {307, 308}
"""Redirects after which a POST is still a POST (RFC 9110, 15.4)."""
_LARGEST_FACT = 8 << 20
"""Bytes of an answer to a GET; vLLM's /metrics have some hundred thousand."""
_AGAIN = {408, 429, 500, 502, 503, 504}
"""States that may be another one the next time."""
_TOO_MANY, _UNAVAILABLE = 429, 503
_GRACE_SECONDS = 5.0
"""How long a request in hand may go on after it was called off."""

Stop = Callable[[], bool]


@dataclass(frozen=True)
class Request:
    """What is sent, and how many bytes may come back."""

    method: str
    url: str
    content: bytes
    most: int


class _Bearer(httpx2.Auth):
    """Puts the key into a request's header at the last moment; nothing else knows it."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


class HttpClient:
    """The way to one server; it stands for the process that an engine of our own has."""

    def __init__(self, address: Address, access: Access, log: Path) -> None:
        self.log = log
        self.name = address.base
        self.retried: Counter[str] = Counter()
        """How often a request was sent again, by the reason."""
        self._access = access
        self._origin = address.origin
        self._key = access.key_for(address)
        self.withheld = access.withheld(address)
        """Why the key of the environment is not sent, where it is not."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="embedtui-http", daemon=True)
        self._lock = threading.Lock()
        self._working: Future[list[Answer]] | None = None
        self._waiting = 0
        """How many requests wait for their next try."""
        self._killed = self._closed = False
        self._client = self._new_client(address)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return not self._killed and not self._closed

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return self._working is not None

    def note(self, line: str) -> None:
        """Write a line into the log, without the key."""
        shown = printable(self.clean(line), 2000)
        with suppress(OSError), paths.create_private(self.log).open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {shown}\n")

    @property
    def sends_key(self) -> bool:
        """Whether a key goes with every request."""
        return self._key is not None

    def clean(self, text: str) -> str:
        """Return what a server wrote without the key that it may have repeated."""
        return text if self._key is None else self._key.removed_from(text)

    def post(
        self, url: str, bodies: Sequence[Mapping[str, object]], most: Sequence[int], stop: Stop
    ) -> list[Answer]:
        """Send all bodies at once and return the answers, in the order of the bodies.

        `most` are the bytes that the answer to each may have.

        Raises:
            ServerError: if one has no answer after all its tries.
            Cancelled: if `stop` says so and what is in hand does not come back soon.
        """
        requests = [
            Request("POST", url, json.dumps(body).encode(), size)
            for body, size in zip(bodies, most, strict=True)
        ]
        return self._run(self._all(requests, self._access), stop)

    def get(self, url: str, stop: Stop, *, seconds: float, tries: int = 1) -> Answer:
        """Ask for something; the same errors as `post`."""
        access = Access(
            timeout=min(seconds, self._access.timeout),
            tries=tries,
            first_wait=self._access.first_wait,
        )
        return self._run(self._all([Request("GET", url, b"", _LARGEST_FACT)], access), stop)[0]

    def kill(self) -> None:
        """Call off what is in hand, and everything after it."""
        self._killed = True
        with self._lock:
            if self._working is not None:
                self._working.cancel()

    def close(self) -> None:
        """Close the connections and end the thread."""
        if self._closed:
            return
        self.kill()
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _new_client(self, address: Address) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            auth=None if self._key is None else _Bearer(self._key),
            headers={
                "User-Agent": f"embedtui/{__version__}",
                "Content-Type": "application/json",
                "Accept-Encoding": "gzip",  # unpacked within a budget, see `Body`
            },
            follow_redirects=False,  # see `_once`: texts and key go to one origin
            timeout=None,  # the whole is bounded, see `_once`
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
            # no proxy stands between this machine and itself
            trust_env=not self._origin.is_loopback,
        )

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            with suppress(Exception):
                self._loop.run_until_complete(self._wind_up())
            self._loop.close()

    async def _wind_up(self) -> None:
        """Let what was called off come to its end, then close the connections."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._client.aclose()

    def _run(self, work: Coroutine[None, None, list[Answer]], stop: Stop) -> list[Answer]:
        with self._lock:
            if not self.alive:
                work.close()
                raise Cancelled("the server was let go")
            future = self._working = asyncio.run_coroutine_threadsafe(work, self._loop)
        asked_at: float | None = None
        try:
            while True:
                with suppress(TimeoutError):
                    answers: list[Answer] = future.result(_POLL_SECONDS)
                    return answers
                if asked_at is None and stop():
                    asked_at = time.monotonic()
                late = asked_at is not None and time.monotonic() - asked_at > _GRACE_SECONDS
                if asked_at is not None and (self._waiting or late):
                    raise Cancelled("cancelled while the server was being asked")
        except CancelledError:
            raise Cancelled("the request to the server was called off") from None
        finally:
            future.cancel()
            with self._lock:
                self._working = None

    async def _all(self, requests: Sequence[Request], access: Access) -> list[Answer]:
        tasks = [asyncio.ensure_future(self._until_good(one, access)) for one in requests]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def _until_good(self, request: Request, access: Access) -> Answer:
        wait = access.first_wait
        for left in reversed(range(access.tries)):
            answer: Answer | None = None
            failure: ServerError | None = None
            asked_wait: float | None = None
            try:
                answer, asked_wait = await self._once(request, access.timeout)
            except ServerError as error:
                if error.fault not in {"unreachable", "half-answer"}:
                    raise
                failure = error
            if answer is not None and answer.status not in _AGAIN:
                return answer
            if answer is not None and answer.status == _TOO_MANY and answer.has_no_credit:
                raise ServerError("no-credit", f"{self.name}: no credit: {self.words(answer)}")
            if not left or (asked_wait or 0) > access.longest_wait:
                break
            why = str(answer.status) if answer is not None else str(failure and failure.fault)
            self.retried[why] += 1
            pause = min(asked_wait or wait * random.uniform(0.75, 1.25), access.longest_wait)  # noqa: S311
            self.note(f"{request.method} again in {pause:.1f} s: {failure or f'state {why}'}")
            wait *= 2
            self._waiting += 1
            try:
                await asyncio.sleep(pause)
            finally:
                self._waiting -= 1
        if failure is not None:
            raise failure
        assert answer is not None
        if answer.status in {_TOO_MANY, _UNAVAILABLE}:
            raise self._given_up(answer, access, asked_wait)
        return answer

    async def _once(self, request: Request, seconds: float) -> tuple[Answer, float | None]:
        """Send a request once, and where the same server sends it on to; return its answer.

        The second value is how long the server asks to wait.
        """
        deadline = time.monotonic() + seconds
        url = request.url
        for _ in range(_REDIRECTS + 1):
            left = max(deadline - time.monotonic(), 0.001)
            answer, wait, target = await self._send(request, url, left, seconds)
            if target is None:
                return answer, wait
            url = self._followed(request.method, url, answer.status, target)
        raise ServerError(
            "redirects",
            f"{self.name}: it redirects without an end: more than {_REDIRECTS} times",
        )

    def _followed(self, method: str, url: str, status: int, target: str) -> str:
        """Return where a redirect leads if the texts and the key may go there.

        Raises:
            ServerError: if it leads to another origin, or would make a GET of a POST.
        """
        try:
            found = urljoin(url, target)
            origin = Origin.parse(found)
        except (InputError, ValueError):
            raise ServerError("redirects", f"{self.name}: it redirects to no address") from None
        path = urlsplit(found).path.removesuffix("/embeddings").removesuffix("/models")
        instead = printable(self.clean(f"{origin}{path}"), 200)
        if origin != self._origin:
            raise ServerError(
                "redirects",
                f"{self.name}: it redirects ({status}) to another server, which was sent nothing: "
                f"if that one is meant, give {instead}",
            )
        if method == "POST" and status not in _SAME_METHOD:
            raise ServerError(
                "redirects",
                f"{self.name}: it redirects ({status}) so that texts cannot be sent on: "
                f"give {instead}",
            )
        return found

    async def _send(
        self, request: Request, url: str, seconds: float, given: float
    ) -> tuple[Answer, float | None, str | None]:
        """Send a request; return its answer, how long to wait, and where it is redirected to.

        `given` are the seconds that all of its redirects together have, to be told. Errors are
        raised anew, without the frames in which the request stands with its headers.
        """
        body: Body | None = None
        fault: Fault
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream(
                    request.method, url, content=request.content or None
                ) as response,
            ):
                body = Body(response.headers.get("content-encoding", ""), request.most)
                async for chunk in response.aiter_raw():
                    body.add(chunk)
            headers = response.headers
            moved = response.status_code in _MOVED
            return (
                Answer(
                    response.status_code,
                    headers.get("content-type", ""),
                    body.whole(),
                    kept_by(headers),
                ),
                _seconds(headers.get("retry-after", "")),
                headers.get("location") if moved else None,
            )
        except TimeoutError:
            fault = "slow"
            if body is None:
                said = f"no first byte of an answer within {given:.0f} s"
            else:
                said = f"the answer was not whole after {given:.0f} s ({len(body)} bytes came)"
            said += "; --timeout gives it longer"
        except TooLargeError:
            fault = "too-large"
            said = f"more than {request.most} bytes came: no vectors of these texts are as large"
        except PackedError:
            fault, said = "half-answer", "an answer that cannot be unpacked"
        except (httpx2.HTTPError, httpx2.StreamError, OSError, *_UNSENT) as error:
            fault, said = self._broken(error, got=None if body is None else len(body))
        raise ServerError(fault, f"{self.name}: {said}") from None

    def _broken(self, error: Exception, *, got: int | None) -> tuple[Fault, str]:
        """Return what went wrong, in words of our own: the library's may repeat a header."""
        fault: Fault = "half-answer"
        if (tls := _tls_of(error)) is not None:
            fault = "tls"
            said = (
                f"no trusted connection (TLS): {tls}; SSL_CERT_FILE names the certificates to trust"
            )
        elif isinstance(error, httpx2.ConnectError):
            words = printable(self.clean(str(error)), 200)
            fault, said = "unreachable", f"nobody answers there: {words or 'no connection'}"
        elif isinstance(error, _UNSENT):
            fault, said = "rejected", "the request cannot be written as HTTP"
        elif got is not None:
            said = f"half an answer: the connection ended after {got} bytes"
        else:
            said = f"the connection ended before an answer ({type(error).__name__})"
        return fault, said

    def _given_up(self, answer: Answer, access: Access, wait: float | None) -> ServerError:
        times = "once" if access.tries == 1 else f"{access.tries} times"
        if wait is not None and wait > access.longest_wait:
            times = f"and asks to wait {wait:.0f} s"
        if answer.status == _TOO_MANY:
            return ServerError(
                "rate-limit",
                f"{self.name}: it limits the rate, 429 {times}: {self.words(answer)}; "
                "measure fewer texts (--limit) or smaller batches",
            )
        return ServerError(
            "unavailable", f"{self.name}: not available, 503 {times}: {self.words(answer)}"
        )

    def words(self, answer: Answer) -> str:
        """Return what an answer that is no good says, on one line and without the key."""
        return printable(self.clean(answer.words()), 200) or "without a word"


def _tls_of(error: BaseException | None) -> str | None:
    """Return what OpenSSL said where that is behind an error."""
    for _ in range(8):
        if error is None:
            return None
        if isinstance(error, ssl.SSLCertVerificationError):
            return printable(error.verify_message, 120)
        if isinstance(error, ssl.SSLError):
            return printable(error.reason or str(error), 120)
        error = error.__cause__ or error.__context__
    return None


def _seconds(header: str) -> float | None:
    """Return what a Retry-After header asks for: seconds, or until a date."""
    if header.strip().isdecimal():
        return float(header)
    with suppress(ValueError, TypeError, OverflowError):
        return max(parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    return None
