"""docs/api.md is what the docstrings say."""

from __future__ import annotations

import pytest

from api_page import PAGE, page


def test_the_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    """The page is the one that the script makes of the code as it is."""
    found = page()
    if request.config.getoption("--update-docs", default=False):
        PAGE.write_text(found, "utf-8")
    assert PAGE.read_text("utf-8") == found, "`pytest tests/docs/test_api.py --update-docs` writes the page"


def test_examples() -> None:
    """Each function has an example, except where there is nothing to show."""
    shown = page().partition("## Types")[0].split("\n### ")[1:]
    without = [part.partition("\n")[0] for part in shown if part.count("```python") < 2]
    assert without == ["`is_production`", "`preview_init`", "`preview_repair`"]
