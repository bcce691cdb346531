"""An address is what a person meant, and loopback is an address and no spelling."""

from __future__ import annotations

import pytest

from embedtui.common.address import Address, Origin
from embedtui.common.errors import InputError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("http://h:1", "http://h:1/v1"),
        ("http://h:1/", "http://h:1/v1"),
        ("http://h:1#m", "http://h:1/v1#m"),
        ("HTTPS://h/v1/embeddings#a/b", "https://h/v1#a/b"),
        ("http://h/v1/embeddings/", "http://h/v1"),
        ("http://h/inference/v1/", "http://h/inference/v1"),
        ("http://h/openai/deployments/d/embeddings", "http://h/openai/deployments/d"),
        ("http://h:1/embeddings#m", "http://h:1/embeddings#m"),
        ("http://h:1/embeddings/embeddings", "http://h:1/embeddings/embeddings"),
    ],
)
def test_what_is_typed_is_read_and_read_again(typed: str, meant: str) -> None:
    address = Address.parse(typed)
    assert str(address) == meant
    assert Address.parse(meant) == address


def test_routes_at_the_root_are_asked_for_there() -> None:
    address = Address.parse("http://h:1/embeddings#m")
    assert (address.base, address.root) == ("http://h:1", "http://h:1")
    assert Address.parse("http://h/inference/v1/").root == "http://h/inference"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.9.10",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[0:0::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_this_machine(host: str) -> None:
    assert Address.parse(f"http://{host}:8000/v1").origin.is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "127.evil.example",
        "127.0.0.1.nip.io",
        "localhost.evil",
        "localhost.",
        "my-localhost",
        "0.0.0.0",
        "128.0.0.1",
        "10.0.0.1",
        "[::2]",
        "[::ffff:10.0.0.1]",
    ],
)
def test_other_machines_whatever_they_are_called(host: str) -> None:
    assert not Address.parse(f"http://{host}:8000/v1").origin.is_loopback


@pytest.mark.parametrize(
    "address",
    [
        "http://2130706433/v1",
        "http://0177.0.0.1/v1",
        "http://0x7f.0.0.1/v1",
        "http://0x7f000001/v1",
        "http://127.1/v1",
        "http://127.0.0.1./v1",
        "http://127.0.0.1.5/v1",
        "http://%31%32%37.0.0.1/v1",
        "http://\uff11\uff12\uff17.0.0.1/v1",
        "http://loc\u1d43lhost/v1",
        "http://h\\.evil/v1",
        "http://a..b/v1",
        "http://a b/v1",
    ],
)
def test_a_host_that_can_be_read_in_several_ways_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="can be read in several ways"):
        Address.parse(address)


@pytest.mark.parametrize("address", ["http://127.0.0.1@evil/v1", "http://127.0.0.1\\@evil/v1"])
def test_a_user_name_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="the address of evil holds a user name"):
        Address.parse(address)


@pytest.mark.parametrize("address", ["ftp://h", "http://", "http://h:0/v1", "http://h\u200b/v1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InputError):
        Address.parse(address)


def test_azures_dated_address_is_told_the_undated_one() -> None:
    with pytest.raises(InputError, match=r"https://NAME\.openai\.azure\.com/openai/v1#DEPLOYMENT"):
        Address.parse("https://x.openai.azure.com/openai/deployments/d?api-version=2023-05-15")


def test_an_origin_has_one_spelling() -> None:
    assert Origin.parse("HTTPS://Example.ORG:443/a") == Origin.parse("https://example.org/b#c")
    assert Origin.parse("http://[0:0::1]") == Origin("http", "::1", 80)
    assert str(Origin.parse("http://[0:0::1]:81")) == "http://[::1]:81"
    different = {"http://h", "https://h", "http://h:81", "http://h.", "http://g"}
    assert len({Origin.parse(one) for one in different}) == len(different)
