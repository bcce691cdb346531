"""What is sent to a server beside the texts, and what is made of an answer that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Embedtui, Said
from tests.servers.fault_server import FaultServer, Serve
from tests.servers.test_faults import LISTS, Measure, report


@pytest.fixture
def measure(embedtui: Embedtui, few: Path) -> Measure:
    def run(server: FaultServer | str, *further: str) -> Said:
        url = server if isinstance(server, str) else server.url
        return embedtui("run", url, "--texts", few, "--batch-sizes", "4", "--quiet", *further)

    return run


def test_base64_is_no_advice_where_it_is_ignored(serve: Serve, measure: Measure) -> None:
    server = serve(ignores_encoding=True, decimals=5)
    made = report(measure(server, *LISTS, "--setting", "encoding=float,base64", "--json"))
    for number in range(2):
        (wire,) = (one for one in made["settings"][number]["diagnosis"] if one["cause"] == "wire")
        assert "ignores base64" in wire["fix"]
        assert "ask for" not in wire["fix"]


def test_an_error_with_200_is_told_in_the_servers_words(serve: Serve, measure: Measure) -> None:
    said = measure(serve(answer=b'{"error": {"message": "Model is not loaded."}}'))
    assert said.code == 3
    assert "200 with an error: Model is not loaded." in said.error
    said = measure(serve(answer=b'{"error": "no such key s3cret"}', key="s3cret"))
    assert "s3cret" not in said.error


def test_further_fields_are_sent_and_recorded(serve: Serve, measure: Measure) -> None:
    server = serve()
    body = "body=input_type:query+truncate:END+late:true,input_type:passage"
    made = report(measure(server, *LISTS, "--setting", body, "--json"))
    sent = [{k: v for k, v in one.items() if k in {"input_type", "late"}} for one in server.asked]
    assert {"input_type": "query", "late": True} in sent
    assert {"input_type": "passage"} in sent
    assert [one["setting"]["body"] for one in made["settings"]] == [
        "input_type:query+truncate:END+late:true",
        "input_type:passage",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("input_type", "write the name of a field"),
        ("a:1+a:2", "write the name of a field"),
        ("a b:1", "write the name of a field"),
        ("input:x", "input is what the run itself sends"),
        ("model:x", "model is what the run itself sends"),
    ],
)
def test_fields_that_cannot_be_sent_are_refused(
    serve: Serve, measure: Measure, text: str, told: str
) -> None:
    server = serve()
    said = measure(server, "--setting", f"body={text}")
    assert (said.code, told in said.error) == (2, True), said
    assert server.asked == []


def test_a_field_that_is_wanted_is_told_how(serve: Serve, measure: Measure) -> None:
    said = measure(serve(always=400, words="'input_type' parameter is required"))
    assert said.code == 2
    assert "'input_type' parameter is required; a field" in said.error
    assert "--setting body=NAME:VALUE" in said.error
