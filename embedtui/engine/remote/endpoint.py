"""A server with the face of an engine: the study asks it as it asks one that it has loaded.

Nothing is known of a server but what it tells. Its steps are its own: they count as known only
where vLLM's metrics say that a batch was one step and that nobody else was there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from embedtui.common.address import Address
from embedtui.common.errors import Cancelled, InputError
from embedtui.engine.access import Access
from embedtui.engine.base_engine import BaseEngine
from embedtui.engine.body_fields import fields_of
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.messages import BatchDone, Job, Load, Opened, Prepared, TooLong
from embedtui.engine.remote import embedding_response, server_facts
from embedtui.engine.remote.cache_probe import MOST_TEXTS, Probed, Timed, probe
from embedtui.engine.remote.http_answer import Answer
from embedtui.engine.remote.http_client import HttpClient, Stop
from embedtui.engine.remote.server_error import ServerError
from embedtui.engine.settings import Setting
from embedtui.engine.verify import verify_effective

OnStage = Callable[[str], None]

_REFUSALS = {400, 413, 422}
"""States by which servers refuse what they were sent, and not the sender."""
_MOST_NAMES = 8
_PROBE = "embedtui"
"""A short text that is sent first: a server that refuses this refuses everything."""


class Endpoint(BaseEngine[HttpClient]):
    """One setting of a server: its model, how texts are sent, how vectors are written."""

    def __init__(self, setting: Setting, access: Access, log: Path) -> None:
        self.address = Address.parse(setting.model)
        super().__init__(setting, HttpClient(self.address, access, log))
        self._access = access
        self._embedding = False
        self._texts: tuple[str, ...] = ()
        self._refused: dict[int, str] = {}
        self._tokens: dict[int, int] = {}
        self._told: dict[str, str] = {}
        self._counts = False
        """Whether the server tells its steps."""
        self._others = 0
        """Texts of other clients that came in between."""
        self._nulls = 0
        self._too_large: dict[str, str] = {}
        self._names_encoding = True
        """Whether the body says how the vectors are to be written."""
        self._came: set[str] = set()
        """How they were written."""
        self._listed: tuple[str, ...] = ()
        """Models that the server lists."""
        self._answered_as: set[str] = set()
        """Models that its answers name."""
        self._usage_tokens = 0
        self._kept_by: set[str] = set()
        """Headers of its answers that say they were kept."""
        self._probed: Probed | None = None
        """What texts showed that were never sent before."""

    @property
    def busy(self) -> bool:
        """Whether the server is being asked."""
        return self._embedding or self.process.busy

    def open(self, tell: OnStage, stop: Stop, max_length: int | None = None) -> Opened:
        """Ask the server what it is; what it does not tell is unknown.

        Raises:
            ServerError: if nobody answers, or not to us.
        """
        tell("asking the server what it is")
        listed = server_facts.models(self.process, self.address, stop) or []
        mine = next((one for one in listed if one.name == self.address.model), None)
        self._listed = tuple(one.name for one in listed)
        owners = {one.owner for one in listed}
        self._told = {
            **server_facts.ask(self.process, self.address, stop, owners),
            **self._access.told,
        }
        self._counts = self._counters(stop) is not None
        length = mine.max_length if mine else 0
        self.opened = Opened(length, length, self._told.get("pooling", server_facts.UNKNOWN), 0)
        return self.opened

    def prepare(
        self, texts: tuple[str, ...], too_long: TooLong, tell: OnStage, stop: Stop
    ) -> Prepared:
        """Take the texts; how many tokens they have shows when they are embedded.

        A server cuts or refuses a text that is too long, whatever is asked for here.
        """
        if texts != self._texts:
            self._refused, self._tokens = {}, {}
        self._texts = texts
        tokens = tuple(self._tokens.get(row, 0) for row in range(len(texts)))
        return Prepared(tokens, refused=dict(self._refused))

    def load(self, request: Load, tell: OnStage, stop: Stop) -> EffectiveConfig:
        """Embed one short text, so that what can never work is told before anything is measured.

        Raises:
            ServerError: if the answer is none, or wrong.
            EngineError: if the server does not do what it was asked for.
            InputError: if the server refuses to be asked like this.
        """
        assert self.opened is not None
        tell("asking the server for a first vector")
        began = time.monotonic()
        answer = self._post([[_PROBE]], stop)[0]
        if answer.status in _REFUSALS and self.setting.encoding == "float":
            # Decimals are what comes where the body does not say; some servers refuse the word.
            self._names_encoding = False
            answer = self._post([[_PROBE]], stop)[0]
        if answer.status in _REFUSALS:
            raise InputError(
                f"{self.process.name} refuses: {self.process.words(answer)}; a field that it wants "
                "is sent by --setting body=NAME:VALUE"
            )
        found = self._read(self._good(answer), 1)
        self._note(found)
        self.largest_batch = request.largest_batch
        told = {
            key: self._told.get(key, server_facts.UNKNOWN)
            for key in ("server", "version", "dtype", "pooling", "execution")
        }
        further = {
            "device": "server",
            "model": self.address.model,
            "revision": self._told.get("revision", server_facts.UNKNOWN),
            "attention_backend": server_facts.UNKNOWN,
            "normalized": _is_unit(found),
            "width": found.vectors.shape[1],
            "max_length": self.opened.max_length,
            "load_seconds": time.monotonic() - began,
            "tells_steps": self._counts,
            "arguments": self._told.get("arguments", server_facts.UNKNOWN),
            **self.observed(),
        }
        effective = EffectiveConfig.from_dict(told | further)
        verify_effective(self.setting, effective)
        self.effective = effective
        return effective

    def embed(self, jobs: Sequence[Job], stop: Stop) -> Iterator[BatchDone]:
        """Send the batches, in order; yield each as it comes back.

        A text that the server refuses is left out from then on. A batch that it refuses although
        it took each text alone is too large for it: no vectors come of that.

        Raises:
            ServerError: if an answer is none, or wrong.
            Cancelled: after the batch in hand, if `stop` says so.
        """
        self._embedding = True
        try:
            yield from self._batches(jobs, stop)
        finally:
            self._embedding = False

    def _batches(self, jobs: Sequence[Job], stop: Stop) -> Iterator[BatchDone]:
        began = self._counters(stop) if self._counts else None
        sent = 0
        for job in jobs:
            if stop():
                raise Cancelled("cancelled after the batch in hand")
            rows = tuple(row for row in job.rows if row not in self._refused)
            size = len(job.rows)
            if rows and str(size) not in self._too_large:
                done = self._batch(job, rows, stop)
                sent += len(done.rows or ())
                yield done
        after = self._counters(stop) if began else None
        if began and after:
            # Texts of requests that were sent again may count twice.
            known = sent + sum(self.process.retried.values()) * self.largest_batch
            self._others = max(int(after.since(began).texts) - known, 0)
        if self._probed is None and sent and not stop():
            self._probed = self._probe_cache(stop)

    def observed(self) -> dict[str, Any]:
        """Return what only asking has shown; it decides nothing about vectors."""
        return {
            "retried": dict(self.process.retried),
            "too_large": dict(self._too_large),
            "others": self._others,
            "nulls": self._nulls,
            "came_as": sorted(self._came),
            "answered_as": sorted(self._answered_as)[:_MOST_NAMES],
            "usage_tokens": self._usage_tokens,
            "answer_cache": self._answer_cache(),
        }

    def _answer_cache(self) -> dict[str, Any]:
        """Return whether fresh texts could tell, and what shows that answers were kept."""
        probed = self._probed or Probed()
        headers = sorted(self._kept_by - probed.empty_headers)[:_MOST_NAMES]
        found: dict[str, Any] = {"probed": True} if probed.told else {}
        found |= {"headers": headers} if headers else {}
        return found if probed.kept is None else found | asdict(probed.kept)

    def layers(self) -> NoReturn:
        """Refuse: a server shows its vectors alone."""
        raise InputError(
            f"{self.setting.label}: layers cannot be looked into: it shows its vectors and nothing "
            "of how it came to them"
        )

    def kill(self) -> None:
        """Call off what is in hand."""
        self.process.kill()

    def close(self) -> None:
        """Close the connections."""
        self.process.close()

    def _batch(self, job: Job, rows: tuple[int, ...], stop: Stop) -> BatchDone:
        texts = [self._texts[row] for row in rows]
        together = len(texts) > 1
        asked = self._requests(texts)
        before = self._counters(stop) if together and self._counts else None
        began = time.monotonic()
        replies = self._post(asked, stop)
        seconds = time.monotonic() - began
        refused = [reply for reply in replies if reply.status in _REFUSALS]
        if len(rows) == 1 and replies[0].status >= 500 and self._serves(stop):
            refused = replies  # it fails on this text, again and again, and on no other
        if refused:
            return self._refusal(job, rows, refused[0])
        found = [
            self._read(self._good(reply), len(part))
            for reply, part in zip(replies, asked, strict=True)
        ]
        widths = {one.vectors.shape[1] for one in found} | {self.effective.width or 0}
        if len(widths) > 1:
            raise ServerError(
                "wrong-width",
                f"{self.process.name}: vectors of {', '.join(map(str, sorted(widths)))} figures",
            )
        for one in found:
            self._note(one)
        self._kept_by |= {reply.kept for reply in replies if reply.kept}
        tokens = {}
        if len(asked) == len(rows):
            tokens = {row: one.tokens for row, one in zip(rows, found, strict=True) if one.tokens}
            self._tokens.update(tokens)
        steps, told = self._steps(before, len(rows), stop) if before else ((), None)
        return BatchDone(
            job.number,
            np.concatenate([one.vectors for one in found]),
            steps,
            seconds,
            rows=rows,
            told_steps=told,
            tokens=tokens,
        )

    def _note(self, found: embedding_response.Embedded) -> None:
        """Keep what an answer shows beside its vectors."""
        self._came.add(found.encoding)
        self._nulls += found.nulls
        self._usage_tokens += found.tokens
        if found.model and len(self._answered_as) < _MOST_NAMES:
            self._answered_as.add(self.process.clean(found.model))

    def _probe_cache(self, stop: Stop) -> Probed:
        """Send texts that cannot have been kept; a server that fails on them has shown nothing."""
        rows = [row for row in range(len(self._texts)) if row not in self._refused]
        largest = min([MOST_TEXTS, self.largest_batch, *(int(n) - 1 for n in self._too_large)])
        try:
            return probe([self._texts[row] for row in rows[:largest]], partial(self._timed, stop))
        except ServerError:
            return Probed()

    def _timed(self, stop: Stop, texts: Sequence[str]) -> Timed | None:
        """Return the vectors of a batch and how long they took; None where it is not taken."""
        asked = self._requests(texts)
        began = time.monotonic()
        replies = self._post(asked, stop)
        seconds = time.monotonic() - began
        if not all(reply.is_good for reply in replies):
            return None
        found = [self._read(reply, len(part)) for reply, part in zip(replies, asked, strict=True)]
        kept = {reply.kept for reply in replies if reply.kept}
        self._kept_by |= kept
        return Timed(np.concatenate([one.vectors for one in found]), seconds, frozenset(kept))

    def _requests(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the texts of each request that is sent at once."""
        if self.setting.requests == "concurrent":
            return [[text] for text in texts]
        return [list(texts)]

    def _refusal(self, job: Job, rows: tuple[int, ...], reply: Answer) -> BatchDone:
        """Note what the server does not take: a text, or that many of them."""
        why = self.process.words(reply)
        nothing = np.zeros((0, self.effective.width or 0), dtype=np.float32)
        if len(rows) == 1:
            self._refused[rows[0]] = f"the server refuses it: {why}"
            refused = {rows[0]: self._refused[rows[0]]}
            return BatchDone(job.number, nothing, (), 0.0, rows=(), refused=refused)
        self._too_large[str(len(job.rows))] = why
        return BatchDone(job.number, nothing, (), 0.0, rows=())

    def _post(self, parts: Sequence[Sequence[str]], stop: Stop) -> list[Answer]:
        url = f"{self.address.base}/embeddings"
        width = self.effective.width or embedding_response.MOST_WIDTH
        most = [embedding_response.budget(len(texts), width) for texts in parts]
        return self.process.post(url, [self._body(texts) for texts in parts], most, stop)

    def _serves(self, stop: Stop) -> bool:
        """Say whether a text that it took before is still taken."""
        return self._post([[_PROBE]], stop)[0].is_good

    def _body(self, texts: Sequence[str]) -> dict[str, object]:
        body: dict[str, object] = {"model": self.address.model, "input": list(texts)}
        if self._names_encoding:
            body["encoding_format"] = self.setting.encoding
        if self.setting.body is not None:
            body |= fields_of(self.setting.body)
        if self.setting.dimensions is not None:
            body["dimensions"] = self.setting.dimensions
        return body

    def _good(self, answer: Answer) -> Answer:
        """Return an answer that has vectors to read; raise what any other is."""
        if answer.is_good:
            return answer
        name, words = self.process.name, self.process.words(answer)
        if answer.status in {401, 403}:
            raise server_facts.no_access(self.process, answer)
        if answer.status == 404:
            raise ServerError(
                "no-model",
                f"{name}: 404 for the model {self.address.model!r}, or for /embeddings: {words}"
                f"{self._instead()}",
            )
        if answer.status >= 500:
            raise ServerError(
                "unavailable", f"{name}: the server failed ({answer.status}): {words}"
            )
        raise ServerError("rejected", f"{name}: refused ({answer.status}): {words}")

    def _read(self, answer: Answer, texts: int) -> embedding_response.Embedded:
        """Return the vectors of a good answer; where it holds an error instead, raise its words."""
        try:
            return embedding_response.read(answer, texts, self.process.name)
        except ServerError:
            said = answer.json()
            if isinstance(said, dict) and said.get("error") and "data" not in said:
                words = self.process.words(answer)
                raise ServerError(
                    "rejected", f"{self.process.name}: {answer.status} with an error: {words}"
                ) from None
            raise

    def _instead(self) -> str:
        """Return what a 404 may be about, as the end of a sentence."""
        if "/openai/deployments/" in self.address.base:
            return (
                "; Azure's dated API wants a query, which is not sent: give "
                f"{self.address.origin}/openai/v1#DEPLOYMENT"
            )
        if self._listed and self.address.model not in self._listed:
            return f"; it lists {', '.join(self._listed[:8])}"
        return ""

    def _counters(self, stop: Stop) -> server_facts.Counters | None:
        return server_facts.counters(self.process, self.address, stop)

    def _steps(
        self, before: server_facts.Counters, texts: int, stop: Stop
    ) -> tuple[tuple[tuple[int, int], ...], int | None]:
        """Return the steps of a batch where there can be but one way, and how many they were.

        The server counts a step a moment after it has answered, so that it is asked again until
        all texts of the batch are counted.
        """
        for wait in (0.0, 0.05, 0.2):
            time.sleep(wait)
            after = self._counters(stop)
            if after is None:
                return (), None
            since = after.since(before)
            if since.texts >= texts:
                break
        if since.texts != texts or since.steps < 1:
            return (), None
        if since.steps == 1:
            return ((texts, int(since.tokens)),), 1
        return (), int(since.steps)


def _is_unit(found: embedding_response.Embedded) -> bool:
    """Say whether vectors have length one, as far as any rounding on the way leaves it."""
    length = float(np.linalg.norm(found.vectors[0].astype(np.float64)))
    return abs(length - 1) < 0.02
