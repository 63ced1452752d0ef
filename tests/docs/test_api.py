"""docs/api.md is what the docstrings say, and its examples are Python."""

from __future__ import annotations

import ast
import re
import textwrap

import pytest

from api_page import PAGE, page


def test_the_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    """The page is the one that the script makes of the code as it is."""
    found = page()
    if request.config.getoption("--update-docs", default=False):
        PAGE.write_text(found, "utf-8")
    assert PAGE.read_text("utf-8") == found, "`pytest tests/docs/test_api.py --update-docs` writes the page"


def test_examples() -> None:
    """Each function has an example, which is Python."""
    shown = page().partition("## Types")[0].split("\n### ")[1:]
    for part in shown:
        signature, *examples = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
        assert examples or "preview_repair" in signature or "is_production" in signature, signature
        for example in examples:
            ast.parse(f"async def example():\n{textwrap.indent(example, '    ')}")
