from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from embedtui.cli import server_options
from embedtui.engine.access import KEY_VARIABLES, Access
from embedtui.engine.remote.started_server import arguments_of, started
from tests.cli.conftest import _alike_everywhere, embedtui, few  # noqa: F401 - the same fixtures
from tests.servers.fault_server import Serve, serving


@pytest.fixture
def serve() -> Iterator[Serve]:
    with serving() as start:
        yield start


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of the person who runs the tests reaches a server."""
    for name in KEY_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two tries tests wait no half seconds."""
    monkeypatch.setattr(server_options, "Access", functools.partial(Access, first_wait=0.01))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate that nobody has signed, with its key."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start vLLM's real OpenAI server with minilm in float32, once for all tests; half a minute."""
    with started(
        arguments_of("minilm --dtype float32 --enforce-eager"),
        Access(),
        lambda _: None,
        ready_seconds=200,
    ) as (address, _):
        yield str(address)
