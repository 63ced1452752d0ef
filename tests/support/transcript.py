"""Output as documents show it, and output as it is: compared, whatever the time, the machine and the process."""

from __future__ import annotations

import re

ELLIPSIS = "..."

_VOLATILE = [
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00)?"), "<time>"),
    (re.compile(r"\b\d+ min \d+ s\b|\b\d+(\.\d+)? m?s\b"), "<duration>"),
    (re.compile(r"(?<= passed in )[\d.]+s\b"), "<duration>"),
    (re.compile(r'("duration_ms": )[\d.]+'), r"\1<duration>"),
    (re.compile(r"\b\d{8}T\d{6}Z(?:-\d+)?\b"), "<moment>"),
    (re.compile(r"(?<=^wrote alterations/next-)\d+"), "<now>"),
    (re.compile(r"\b\d+(\.\d+)? (bytes|[kMGT]B)\b"), "<size>"),
    (re.compile(r"\bpid \d+|(?<=terminate_backend\()\d+|\d+(?=@ci-1)"), "<pid>"),
    (re.compile(r"from [\d.a-f:]+,"), "from <client>,"),
    (re.compile(r"@\[[^\]]*\]"), "@<socket>"),
    (re.compile(r"  \(about [\d,]+ rows?\)"), ""),
    (re.compile(r" {2,}"), "  "),
]


def matches(shown: list[str], found: list[str]) -> bool:
    """Whether the lines are those shown, where a line `...` stands for any number of them."""
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == ELLIPSIS else re.escape(_steady(line)) + r"\n" for line in _plain(shown)
    )
    return re.fullmatch(pattern, "".join(f"{_steady(line)}\n" for line in _plain(found))) is not None


def elide(shown: list[str], found: list[str]) -> list[str]:
    """The lines, with one gap where there was one; several gaps are the author's to make again."""
    if shown.count(ELLIPSIS) != 1:
        return found
    head = shown.index(ELLIPSIS)
    tail = len(shown) - head - 1
    return found if head + tail >= len(found) else [*found[:head], ELLIPSIS, *found[len(found) - tail :]]


def _plain(lines: list[str]) -> list[str]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return [line.rstrip() for line in lines]


def _steady(line: str) -> str:
    for pattern, name in _VOLATILE:
        line = pattern.sub(name, line)
    return line
