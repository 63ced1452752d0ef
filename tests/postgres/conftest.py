"""A server with TLS, for the tests of connections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.secured import Secured, find_binaries, secured_server


@pytest.fixture(scope="session")
def secured() -> Iterator[Secured]:
    """A server with TLS, of a distribution's."""
    found = find_binaries()
    if found is None:
        pytest.skip("needs a distribution's Postgres, with TLS and psql, and openssl")
    with secured_server(found) as server:
        yield server
