"""`pytest tests/docs --update-docs` writes what the commands really print into the documents."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-docs", action="store_true", help="write the output of real runs into the documents")
