"""Every fault of a server is named as what it is, and nothing that is none is called one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Embedtui, Said
from tests.servers.fault_server import FAILS, LONG, MODEL, FaultServer, Serve

FEW = ("--batch-sizes", "1,4,8", "--quiet", "--shuffles", "1")
LISTS = ("--setting", "requests=list")

Measure = Callable[..., Said]


@pytest.fixture
def measure(embedtui: Embedtui, few: Path) -> Measure:
    def run(server: FaultServer | str, *further: str) -> Said:
        url = server if isinstance(server, str) else server.url
        return embedtui("run", url, "--texts", few, *FEW, *further)

    return run


def report(said: Said) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(said.out)
    return made


def causes(made: dict[str, Any], number: int = 0) -> list[str]:
    return [one["cause"] for one in made["settings"][number]["diagnosis"]]


def kinds(made: dict[str, Any], severity: str) -> list[str]:
    return [one["kind"] for one in made["findings"] if one["severity"] == severity]


def test_a_server_that_works_has_no_drift_and_no_fault(serve: Serve, measure: Measure) -> None:
    server = serve()
    said = measure(server, "--json")
    assert said.code == 0, said.err
    made = report(said)
    assert made["plan"]["model"] == f"{server.url}#{MODEL}"
    assert made["environment"]["device"] == "server"
    assert [one["label"] for one in made["settings"]] == ["server", "server · requests=concurrent"]
    for number, setting in enumerate(made["settings"]):
        assert causes(made, number) == ["none"]
        assert [batch["identical"] for batch in setting["batches"]] == [9, 9, 9]
        assert all(batch["realised"]["steps"] == 0 for batch in setting["batches"])
        assert [text["tokens"] for text in setting["texts"]] == [3] * 9
    assert made["servers"][0]["identical"] == made["servers"][0]["texts"] == 9
    assert kinds(made, "fault") == kinds(made, "warning") == []
    assert kinds(made, "note") == ["server-unknown", "server-steps"]


def test_lists_are_one_request_and_the_others_come_at_once(
    serve: Serve, measure: Measure, few: Path
) -> None:
    server = serve(delay=0.05)
    assert measure(server, "--shuffles", "0", "--repeats", "0").code == 0
    own = set(few.read_text().splitlines())
    sizes = [len(body["input"]) for body in server.asked if own.issuperset(body["input"])]
    assert sizes.count(8) == 1
    assert sizes.count(4) == 2
    assert server.most_at_once == 8
    assert {body["encoding_format"] for body in server.asked} == {"float"}


def test_tables_show_both_ways_side_by_side(serve: Serve, measure: Measure) -> None:
    said = measure(serve(drift=1e-3), "--full")
    assert "side by side" in said.out
    row = next(line for line in said.out.splitlines() if line.startswith(" server ·"))
    assert "identical" in row
    assert "1.0e-03" in said.out


def test_drift_is_drift(serve: Serve, measure: Measure) -> None:
    made = report(measure(serve(drift=1e-4), *LISTS, "--json"))
    assert kinds(made, "fault") == []
    assert causes(made) == ["rounding-order"]
    assert made["settings"][0]["batches"][1]["drift"]["l2"]["max"] == pytest.approx(1e-4, rel=0.1)


def test_swapped_vectors_are_a_fault_and_no_drift(serve: Serve, measure: Measure) -> None:
    made = report(measure(serve(swap=True), *LISTS, "--json"))
    assert kinds(made, "fault") == ["swapped"]
    assert set(causes(made)) == {"order"}
    assert "no distance means anything" in made["verdict"]


def test_another_order_that_the_index_tells_is_none(serve: Serve, measure: Measure) -> None:
    made = report(measure(serve(shuffle_index=True), *LISTS, "--json"))
    assert kinds(made, "fault") == []
    assert causes(made) == ["none"]


@pytest.mark.parametrize(
    ("faults", "name", "seen"),
    [
        ({"decimals": 5}, "rounding on the wire", "after 5 decimals"),
        ({"decimals": 8}, "rounding on the wire", "after 8 decimals"),
        ({"digits": 6}, "rounding on the wire", "after 6 significant digits"),
        ({"float16": True}, "float16 on the wire", "a float16 holds every figure exactly"),
    ],
)
def test_digits_lost_on_the_way(
    serve: Serve, measure: Measure, faults: dict[str, Any], name: str, seen: str
) -> None:
    made = report(measure(serve(**faults), *LISTS, "--json"))
    assert kinds(made, "fault") == []
    found = [one for one in made["settings"][0]["diagnosis"] if one["cause"] == "wire"]
    assert found[0]["name"] == name
    assert seen in found[0]["evidence"]
    assert causes(made) == ["wire", "none"]


def test_decimals_and_bytes_that_agree_are_said_to(serve: Serve, measure: Measure) -> None:
    said = measure(serve(), *LISTS, "--setting", "encoding=float,base64", "--json")
    found = [one for one in report(said)["findings"] if one["kind"] == "encodings"]
    assert found[0]["severity"] == "note"
    assert "agree to the last bit" in found[0]["message"]


def test_base64_that_never_came_is_not_compared(serve: Serve, measure: Measure) -> None:
    server = serve(ignores_encoding=True)
    made = report(measure(server, *LISTS, "--setting", "encoding=float,base64", "--json"))
    assert kinds(made, "warning") == ["base64-ignored"]
    assert "encodings" not in {one["kind"] for one in made["findings"]}


@pytest.mark.parametrize(
    ("faults", "named"),
    [
        ({"decimals": 7}, "JSON rounding: every figure ends after 7 decimals"),
        ({"digits": 7}, "JSON rounding: every figure ends after 7 significant digits"),
    ],
)
def test_their_difference_is_named(
    serve: Serve, measure: Measure, faults: dict[str, Any], named: str
) -> None:
    said = measure(serve(**faults), *LISTS, "--setting", "encoding=float,base64", "--json")
    found = [one for one in report(said)["findings"] if one["kind"] == "encodings"]
    assert found[0]["severity"] == "warning"
    assert named in found[0]["message"]
    assert len(found[0]["texts"]) == 9


def test_a_null_is_a_nan(serve: Serve, measure: Measure) -> None:
    made = report(measure(serve(null=True), *LISTS, "--json"))
    assert kinds(made, "fault") == ["nan"]
    message = made["findings"][0]["message"]
    assert "NaN in the vectors" in message
    assert "wrote null" in message
    assert made["settings"][0]["batches"][1]["drift"]["l2"]["max"] == 0


def test_too_many_requests_are_waited_for(serve: Serve, measure: Measure) -> None:
    server = serve(states=[429, 200, 503][:1], retry_after="0")
    made = report(measure(server, *LISTS, "--json"))
    assert made["settings"][0]["effective_config"]["retried"] == {"429": 1}
    assert "retried" in kinds(made, "note")
    assert causes(made) == ["none"]


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"always": 429}, "it limits the rate, 429 5 times: the server says 429"),
        ({"always": 503}, "not available, 503 5 times: the server says 503"),
        ({"always": 500}, "the server failed (500): the server says 500"),
        ({"always": 429, "retry_after": "3600"}, "429 and asks to wait 3600 s"),
        ({"always": 403}, "access refused (403): the server says 403; set EMBEDTUI_API_KEY"),
        ({"key": "right"}, "access refused (401): no such key; set EMBEDTUI_API_KEY"),
        ({"cut": True}, "half an answer: the connection ended after"),
        ({"broken_json": True}, "half an answer: its JSON breaks off"),
        ({"one_less": True}, "3 vectors came back for 4 texts"),
        ({"repeat_index": True}, "`index` of its vectors does not count the texts"),
        ({"other_width": True}, "vectors of 63, 64 figures"),
        ({"slow": 2.0}, "no first byte of an answer within 1 s"),
        ({"drip": True}, "the answer was not whole after 1 s"),
        ({"drip_headers": True}, "no first byte of an answer within 1 s"),
        ({"redirect": True}, "it redirects without an end"),
        ({"web_page": True}, "a web page came back: this is no embeddings server"),
    ],
    ids=str,
)
def test_what_is_no_answer_is_one_line_with_its_name(
    serve: Serve, measure: Measure, faults: dict[str, Any], words: str
) -> None:
    said = measure(serve(**faults), *LISTS, "--timeout", "1")
    assert said.code == 3, said.err + said.out
    told = said.err + said.out
    assert words in " ".join(told.split())
    assert "drift: L2" not in told


def test_a_server_that_fails_later_leaves_what_was_measured(serve: Serve, measure: Measure) -> None:
    said = measure(serve(cut=True), *LISTS, "--json")
    assert said.code == 3
    made = report(said)
    assert made["settings"][0]["batches"][0]["texts"] >= 4
    assert made["settings"][0]["status"] == "failed"
    assert "half an answer" in made["settings"][0]["reason"]


def test_a_certificate_that_nobody_signed(
    serve: Serve, measure: Measure, certificate: Path
) -> None:
    said = measure(serve(certificate))
    assert said.code == 3
    assert "no trusted connection (TLS)" in said.error
    assert "SSL_CERT_FILE" in said.error


def test_nobody_there(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    said = measure("http://127.0.0.1:9/v1")
    assert said.code == 3
    assert "nobody answers there" in said.error


def test_a_text_that_is_refused_does_not_fail_the_others(
    serve: Serve, embedtui: Embedtui, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"text {n}\n" for n in range(3)) + f"{LONG}\n" + "the last one\n")
    server = serve()
    said = embedtui("run", server.url, "--texts", texts, *FEW, *LISTS, "--json")
    assert said.code == 0, said.err
    made = report(said)
    assert made["settings"][0]["texts"][3]["refused"].endswith("maximum context length is 8 tokens")
    assert [batch["texts"] for batch in made["settings"][0]["batches"]] == [4, 4, 4]
    assert kinds(made, "warning") == ["refused"]
    assert causes(made) == ["none"]


def test_all_texts_refused(serve: Serve, embedtui: Embedtui, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text(f"{LONG} a\n{LONG} b\n")
    said = embedtui("run", serve().url, "--texts", texts, *FEW, *LISTS)
    assert said.code == 2
    assert "none of the texts can be embedded" in said.error


def test_more_texts_than_it_takes_at_once(serve: Serve, measure: Measure) -> None:
    made = report(measure(serve(most=4), *LISTS, "--json"))
    assert [batch["batch_size"] for batch in made["settings"][0]["batches"]] == [1, 4]
    assert kinds(made, "warning") == ["too-large"]
    assert "does not take 8 texts at once: batch size 8 > maximum 4" in next(
        one["message"] for one in made["findings"] if one["kind"] == "too-large"
    )


def test_dimensions_that_a_server_does_not_heed_are_a_fault(serve: Serve, measure: Measure) -> None:
    said = measure(serve(), "--setting", "dimensions=16")
    assert "dimensions=16 was asked for, but" in said.err + said.out
    assert said.code == 3


def test_what_it_cannot_be_asked_is_refused_before_anything_is_measured(
    serve: Serve, measure: Measure
) -> None:
    server = serve(no_base64=True)
    said = measure(server, "--setting", "encoding=base64")
    assert said.code == 2
    assert "refuses: base64 is not supported" in said.error
    assert len(server.asked) == 2  # both ways of sending were tried


def test_several_models_are_asked_for(serve: Serve, measure: Measure) -> None:
    server = serve(models=("one", "two"))
    said = measure(server)
    assert said.code == 2
    assert f"has several models: give {server.url}#MODEL with one of one, two" in said.error
    assert measure(f"{server.url}#two").code == 0
    assert server.asked[-1]["model"] == "two"
    said = measure(f"{server.url}#three")
    assert (said.code, "404 for the model 'three'" in said.err) == (3, True)
    assert "it lists one, two" in said.err


def test_a_server_without_a_list_of_models(serve: Serve, measure: Measure) -> None:
    server = serve(lists_models=False)
    said = measure(server)
    assert (said.code, "lists no models: name one" in said.error) == (2, True)
    assert measure(f"{server.url}#{MODEL}").code == 0
    said = measure(f"{server.url}#nobody")
    assert (said.code, "404 for the model 'nobody'" in said.error) == (3, True)


def test_tokens_that_nobody_counts_are_unknown(serve: Serve, measure: Measure) -> None:
    made = report(measure(serve(usage=False), "--json"))
    assert {text["tokens"] for text in made["settings"][0]["texts"]} == {0}
    assert measure(serve(usage=False)).code == 0


def test_switches_of_an_engine_are_refused(serve: Serve, measure: Measure) -> None:
    server = serve()
    said = measure(server, "--dtype", "float32")
    assert (said.code, "--dtype: a server has the dtype" in said.error) == (2, True)
    said = measure(server, "--setting", "threads=2")
    assert (said.code, "threads=2 cannot be had on a server" in said.error) == (2, True)
    said = measure(server, "--restarts", "1")
    assert (said.code, "cannot be started anew" in said.error) == (2, True)
    assert server.asked == []


def test_switches_of_a_server_are_refused_elsewhere(embedtui: Embedtui) -> None:
    said = embedtui("run", "minilm", "--setting", "requests=concurrent")
    assert (said.code, "nothing is sent to an engine" in said.error) == (2, True)
    assert embedtui("run", "minilm", "--against", "minilm").code == 2
    listed = embedtui("list", "settings").out
    assert "requests = list, concurrent  [default: list] (servers only)" in listed


@pytest.mark.parametrize(
    "address",
    ["http://", "http://:80/v1", "http://host:port/v1", "https://host:0/", "http://h\x1b[31m/v1"],
)
def test_an_address_that_is_none(embedtui: Embedtui, address: str) -> None:
    said = embedtui("run", address)
    assert (said.code, "the address of a server" in said.error) == (2, True)


def test_vectors_are_the_servers_to_the_bit(serve: Serve, measure: Measure, tmp_path: Path) -> None:
    from embedtui.storage import run_file
    from tests.fakes import exact

    out = tmp_path / "run.sqlite"
    assert measure(serve(), "--out", str(out), "--setting", "encoding=float,base64").code == 0
    results = run_file.read(out)
    wanted = [exact(text, 64).astype(np.float32) for text in results.plan.inputs]
    for setting in results.settings:
        assert np.array_equal(setting.unbatched.vectors, np.stack(wanted))
    assert len(results.settings) == 4


def test_a_model_that_is_not_listed_is_asked_for(serve: Serve, measure: Measure) -> None:
    server = serve(models=("a-chat-model",))
    assert measure(f"{server.url}#{MODEL}").code == 0
    assert {body["model"] for body in server.asked} == {MODEL}


def test_the_words_of_a_403_come_first_where_a_key_was_sent(
    serve: Serve, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", "good")
    words = "You are not allowed to generate embeddings from this model"
    said = measure(serve(always=403, words=words))
    assert said.code == 3
    assert f"access refused (403): {words}; a key was sent" in said.err
    assert "set EMBEDTUI_API_KEY" not in said.err


def test_a_text_that_fails_every_time_does_not_fail_the_others(
    serve: Serve, embedtui: Embedtui, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"text {n}\n" for n in range(3)) + f"{FAILS}\n" + "the last one\n")
    said = embedtui("run", serve().url, "--texts", texts, *FEW, *LISTS, "--json")
    assert said.code == 0, said.err
    made = report(said)
    assert made["settings"][0]["texts"][3]["refused"] == "the server refuses it: input is too large"
    assert [batch["texts"] for batch in made["settings"][0]["batches"]] == [4, 4, 4]
    assert kinds(made, "warning") == ["refused"]


def test_no_credit_is_told_at_once(serve: Serve, measure: Measure) -> None:
    server = serve(always=429, code="insufficient_quota", words="You exceeded your quota")
    said = measure(server, *LISTS)
    assert said.code == 3
    assert "no credit: You exceeded your quota" in said.err
    assert "--limit" not in said.err
    assert len(server.asked) == 1


def test_decimals_are_asked_for_without_a_word_where_the_word_is_refused(
    serve: Serve, measure: Measure
) -> None:
    server = serve(no_float=True)
    assert measure(server, *LISTS).code == 0
    assert "encoding_format" not in server.asked[-1]


def test_routes_at_the_root(serve: Serve, measure: Measure) -> None:
    server = serve(models_at="/models")
    said = measure(f"{server.url.removesuffix('/v1')}/embeddings", "--json")
    assert said.code == 0, said.err
    assert report(said)["plan"]["model"].endswith(f"/embeddings#{MODEL}")
    assert set(server.paths) == {"/embeddings"}


def test_azures_dated_address_is_told_the_undated_one(serve: Serve, measure: Measure) -> None:
    server = serve(lists_models=False, always=404)
    base = server.url.removesuffix("/v1")
    said = measure(f"{base}/openai/deployments/d#d")
    assert said.code == 3
    assert f"give {base}/openai/v1#DEPLOYMENT" in said.err


@pytest.mark.parametrize(
    ("told", "owner", "named"),
    [
        ({"/version": b'{"version": "v2.28.0"}'}, "them", "unknown"),
        ({"/version": b'{"version": "0.11.2"}'}, "vllm", "vLLM"),
        ({"/version": b'{"version": "1"}', "/metrics": b"vllm:x 1\n"}, "", "vLLM"),
        ({"/api/version": b'{"version": "0.5"}'}, "them", "unknown"),
        ({"/api/version": b'{"version": "0.5"}', "/api/tags": b'{"models": []}'}, "", "Ollama"),
    ],
)
def test_a_server_is_named_by_what_only_it_has(
    serve: Serve, measure: Measure, told: dict[str, bytes], owner: str, named: str
) -> None:
    made = report(measure(serve(told=told, owner=owner), *LISTS, "--json"))
    assert made["settings"][0]["effective_config"]["server"] == named
