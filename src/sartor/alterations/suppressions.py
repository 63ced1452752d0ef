"""Reads comments that name rules to be ignored in their file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sartor.domain.source import Text

_COMMENT = re.compile(r"(?:--|#)\s*sartor\s*:\s*ignore\s+(?P<codes>\w+(?:\s*,\s*\w+)*)")


def ignored_by(comment: str, line: int) -> Iterator[Text]:
    """Yields the codes that a comment names: `# sartor: ignore SA103, SA204 why`. The text after them is the reason."""
    if match := _COMMENT.match(comment):
        yield from (Text(code, line) for code in re.split(r"\s*,\s*", match["codes"]))
