"""Fixtures of all tests of documents."""

from __future__ import annotations

import pytest

from support.database import Database


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-docs", action="store_true", help="Write what a run shows into the documents.")


@pytest.fixture(autouse=True, scope="session")
def _of_newer_servers(server_url: str) -> None:
    # Before 15 everybody may create in `public`, and the counters hold the rows that a rewrite copies.
    if int(Database(server_url, "postgres").value("show server_version_num")) < 150000:
        pytest.skip("the documents show what servers from 15 on say")
