"""Whatever a server answers is vectors, an unknown fact, or a fault by its name; never a crash."""

from __future__ import annotations

import base64
import gzip
import json
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtui.common.address import Address
from embedtui.engine.access import Access
from embedtui.engine.remote import embedding_response, server_facts
from embedtui.engine.remote.embedding_response import MOST_WIDTH, budget, read
from embedtui.engine.remote.http_answer import Answer, Body, PackedError, TooLargeError
from embedtui.engine.remote.http_client import HttpClient
from embedtui.engine.remote.server_error import ServerError
from tests.cli.conftest import Embedtui
from tests.servers.fault_server import MODEL, Serve

FEW = ("--limit", "4", "--batch-sizes", "1,2", "--shuffles", "0", "--quiet")

NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**30, 10**400, -(10**400), float("nan"), float("inf"), True, None]),
)
ANY_JSON = st.recursive(
    NUMBERS | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
VECTORS = (
    st.lists(NUMBERS, max_size=4)
    | st.text(max_size=12)
    | st.binary().map(lambda packed: base64.b64encode(packed).decode())
)
ENTRIES = st.fixed_dictionaries(
    {}, optional={"embedding": VECTORS | ANY_JSON, "index": ANY_JSON | st.integers(0, 3)}
)
LIKE_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "data": st.lists(ENTRIES | ANY_JSON, max_size=4) | ANY_JSON,
        "usage": ANY_JSON | st.fixed_dictionaries({}, optional={"prompt_tokens": ANY_JSON}),
        "error": ANY_JSON,
    },
)


def answer(said: object, status: int = 200) -> Answer:
    return Answer(status, "application/json", json.dumps(said).encode())


def vectors(*rows: object, **usage: object) -> bytes:
    data = [{"index": at, "embedding": row} for at, row in enumerate(rows)]
    return json.dumps({"data": data, "usage": usage}).encode()


@given(LIKE_ANSWERS | ANY_JSON, st.integers(1, 4))
def test_any_json_is_vectors_or_a_fault(said: object, texts: int) -> None:
    try:
        found = read(answer(said), texts, "server")
    except ServerError:
        pass
    else:
        assert found.vectors.shape[0] == texts
        assert found.vectors.dtype == np.float32
        assert 0 <= found.tokens < 2**63
        assert found.encoding in {"float", "base64"}


@given(st.binary(max_size=64), st.integers(1, 2))
def test_any_bytes_are_a_fault(body: bytes, texts: int) -> None:
    with pytest.raises(ServerError):
        read(Answer(200, "application/json", body), texts, "server")


@given(LIKE_ANSWERS | ANY_JSON)
def test_any_error_has_words(said: object) -> None:
    assert isinstance(answer(said, 500).words(), str)
    assert answer(said, 429).has_no_credit in {True, False}


class EventRecorder(HttpClient):
    """A client to which every fact is the same JSON, or the same text."""

    def __init__(self, body: bytes) -> None:
        self.name = "server"
        self._body = body

    def get(self, *_: object, **__: object) -> Answer:
        return Answer(200, "application/json", self._body)

    def clean(self, text: str) -> str:
        return text


ADDRESS = Address.parse("http://127.0.0.1:1/v1")
FACTS = st.dictionaries(
    st.sampled_from(
        ["version", "data", "vllm_config", "model_dtype", "model_type", "build_info", "models"]
    ),
    ANY_JSON | st.lists(st.dictionaries(st.sampled_from(["id", "max_model_len"]), ANY_JSON)),
)


@given(FACTS | ANY_JSON, st.sampled_from(["vllm", ""]))
def test_any_json_is_facts_or_none(said: object, owner: str) -> None:
    client = EventRecorder(json.dumps(said).encode())
    found = server_facts.ask(client, ADDRESS, lambda: False, {owner})
    assert all(value.isprintable() and len(value) <= 80 for value in found.values())
    for one in server_facts.models(client, ADDRESS, lambda: False) or ():
        assert one.name
        assert 0 <= one.max_length < 2**63


FIGURES = (
    st.floats().map(str)
    | st.integers().map(str)
    | st.sampled_from(["NaN", "+Inf", "-Inf", "1e999", "-3", "9" * 5000, "1_000", "x"])
)


@given(st.lists(FIGURES, min_size=3, max_size=3))
def test_any_metrics_are_counters_or_none(figures: list[str]) -> None:
    names = ("iteration_tokens_total_count", "iteration_tokens_total_sum", "request_success_total")
    lines = (f"vllm:{name} {figure}\n" for name, figure in zip(names, figures, strict=True))
    found = server_facts.counters(EventRecorder("".join(lines).encode()), ADDRESS, lambda: False)
    if found is not None:
        assert all(0 <= int(one) < 2**63 for one in (found.steps, found.tokens, found.texts))


def test_an_index_as_text_is_what_it_says() -> None:
    data = [{"index": "1", "embedding": [1.0, 0.0]}, {"index": "0", "embedding": [0.0, 1.0]}]
    assert read(answer({"data": data}), 2, "server").vectors.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("index", [["0", "0"], [0.5, 1], [True, 0], ["x", 0], [None, 1], [[], {}]])
def test_an_index_that_counts_nothing_is_a_fault(index: list[object]) -> None:
    data = [{"index": one, "embedding": [1.0]} for one in index]
    with pytest.raises(ServerError, match="does not count the texts") as raised:
        read(answer({"data": data}), 2, "server")
    assert raised.value.fault == "wrong-order"


@pytest.mark.parametrize("digits", [400, 4_000, 400_000])
def test_a_figure_of_many_digits_is_infinite(digits: int) -> None:
    body = b'{"data": [{"embedding": [0.5, -' + b"9" * digits + b"]}]}"
    found = read(Answer(200, "", body), 1, "server").vectors[0]
    assert found.tolist() == [0.5, -math.inf]


@pytest.mark.parametrize("count", [10**30, 10**400, -1, 1.5, True, "3", None, [3]])
def test_tokens_that_nothing_has_are_unknown(count: object) -> None:
    assert read(Answer(200, "", vectors([1.0], prompt_tokens=count)), 1, "server").tokens == 0


@pytest.mark.parametrize(
    ("embedding", "told"),
    [
        ([[0.1, 0.2], [0.3, 0.4]], "a list of lists"),
        (["0.1", "0.2"], "a list of something else than figures"),
        ([True, 0.5], "a list of something else than figures"),
        ({"values": [0.1]}, "neither a list of figures nor float32"),
        ("AAAA", "neither a list of figures nor float32"),
        ("-_8AAA==", "in the alphabet of URLs"),
        (base64.b64encode(np.linspace(-0.1, 0.1, 64).tobytes()).decode(), "float64 in base64"),
        ([0.5] * (MOST_WIDTH + 1), f"vectors of {MOST_WIDTH + 1} figures"),
        ([], "vectors of 0 figures"),
    ],
    ids=["lists", "texts", "bool", "object", "odd", "urls", "float64", "huge", "empty"],
)
def test_what_is_no_vector_says_what_it_is(embedding: object, told: str) -> None:
    with pytest.raises(ServerError, match=told):
        read(Answer(200, "", vectors(embedding)), 1, "server")


@given(st.lists(st.just(0.0) | st.floats(2.0**-40, 1, width=32), min_size=2, max_size=64))
def test_float32_in_base64_is_never_taken_for_float64(figures: list[float]) -> None:
    exact = np.asarray(figures, dtype="<f4")
    found = read(Answer(200, "", vectors(base64.b64encode(exact.tobytes()).decode())), 1, "server")
    assert np.array_equal(found.vectors[0], exact)
    assert found.encoding == "base64"


def test_deep_nesting_is_a_fault() -> None:
    for body in (b"[" * 100_000, b'{"data":' * 5_000, b'{"error":' * 900 + b"1" + b"}" * 900):
        with pytest.raises(ServerError):
            read(Answer(200, "", body), 1, "server")
        assert isinstance(Answer(500, "", body).words(), str)


def test_a_body_grows_no_further_than_its_budget() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        Body("gzip", 1 << 20).add(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20
    with pytest.raises(TooLargeError):
        Body("", 9).add(bytes(10))
    for encoding in ("gzip, gzip", "br", "deflate", "x"):
        with pytest.raises(PackedError):
            Body(encoding, 1 << 20)
    with pytest.raises(PackedError):
        Body("gzip", 1 << 20).add(b"no gzip")
    whole = Body("gzip", 1 << 20)
    for at in range(0, len(packed := gzip.compress(b"text" * 100)), 7):
        whole.add(packed[at : at + 7])
    assert whole.whole() == b"text" * 100


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"answer": gzip.compress(gzip.compress(bytes(32 << 20))),
          "headers": {"Content-Encoding": "gzip, gzip"}}, "cannot be unpacked"),
        ({"answer": gzip.compress(bytes(32 << 20)), "headers": {"Content-Encoding": "gzip"}},
         "no vectors of these texts are as large"),
        ({"answer": vectors([0.125] * 1_000_000)}, "no vectors of these texts are as large"),
        ({"answer": vectors(*[[0.5] * 9] * 1000)}, "1000 vectors came back for 1 text"),
        ({"answer": b"[" * 100_000}, "half an answer"),
        ({"answer": b'{"data": [' + b"9" * 10_000 + b"]}"}, "no object with `embedding`"),
    ],
    ids=["packed twice", "packed", "wide", "many", "deep", "digits"],
)  # fmt: skip
def test_each_is_told_in_one_line(
    serve: Serve, embedtui: Embedtui, faults: dict[str, object], words: str
) -> None:
    said = embedtui("run", serve(**faults).url, *FEW)
    assert said.code == 3
    assert words in said.error


def test_facts_that_are_none_do_not_stop_a_run(serve: Serve, embedtui: Embedtui) -> None:
    listed = {"data": [{"id": MODEL, "max_model_len": 10**400}, {"id": 7}, 3, {"id": "x" * 10_000}]}
    told = {
        "/v1/models": json.dumps(listed).encode(),
        "/metrics": b"vllm:iteration_tokens_total_count NaN\nvllm:request_success_total +Inf\n",
        "/version": b'{"version": ["' + b"x" * 100_000 + b'"]}',
    }
    said = embedtui("run", serve(told=told).url, *FEW)
    assert said.code == 0, said.err


@pytest.mark.parametrize("header", ["9" * 400, "-1", "Fri, 31 Dec 99999 23:59:59 GMT", "²"])
def test_any_retry_after_is_a_wait_or_none(serve: Serve, embedtui: Embedtui, header: str) -> None:
    server = serve(always=429, headers={"Retry-After": header.encode().decode("latin-1")})
    said = embedtui("run", server.url, *FEW)
    assert (said.code, "429" in said.error) == (3, True)


@pytest.mark.parametrize(
    "target", ["http://[", "http://h:x/", "//", "file:///etc/passwd", "\u00ff"]
)
def test_any_redirect_is_a_place_or_a_fault(serve: Serve, tmp_path: Path, target: str) -> None:
    server = serve(redirect_to=target)
    address = Address.parse(server.url)
    client = HttpClient(address, Access(), tmp_path / "log")
    try:
        with pytest.raises(ServerError):
            client.post(f"{address.base}/embeddings", [{}], [budget(1)], lambda: False)
    finally:
        client.close()


def test_a_server_that_keeps_to_the_budget_is_read_whole() -> None:
    """The widest plausible vectors, written as generously as JSON is."""
    row = [-1.2345678901234567e-05] * 1024
    body = json.dumps({"data": [{"index": n, "embedding": row} for n in range(8)]}, indent=8)
    assert len(body) < embedding_response.budget(8, 1024)
    assert read(Answer(200, "", body.encode()), 8, "server").vectors.shape == (8, 1024)
