"""A pooler before the tests' server, and stages to play on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.database import Database, with_name
from support.pooler import find_pgbouncer, pooler
from support.stage import Stage, new_stage


@pytest.fixture(scope="session")
def pooler_url(server_url: str) -> Iterator[str]:
    """The server's URL by way of pgbouncer in transaction mode. Without one there's nothing to test; CI has one."""
    if find_pgbouncer() is None:
        report = pytest.fail if os.environ.get("CI") else pytest.skip
        report("pgbouncer isn't installed: apt-get install pgbouncer, or run scripts/test, which fetches it")
    with pooler(server_url) as url:
        yield url


@pytest.fixture
def pooled_url(pooler_url: str, database: Database) -> str:
    """The URL of the test's database by way of pgbouncer."""
    return with_name(pooler_url, database.name)


@pytest.fixture
def stage(server_url: str, tmp_path: Path) -> Iterator[Stage]:
    """A stage with 40 alterations; the working directory of `sartor` holds them."""
    with new_stage(server_url, tmp_path, scripts=40) as found:
        yield found
