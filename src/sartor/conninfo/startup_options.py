"""The startup parameter `options=-c name=value`, as a server reads it, and the timeouts in it and in a URL."""

from __future__ import annotations

import re

from sartor.errors import SettingsError

TIMEOUTS = ("lock_timeout", "statement_timeout")
"""The timeouts that a run sets itself: a URL's values count where no nearer setting gives them."""

_UNITS = {"us": 0.000001, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "": 0.001}
_WORD = re.compile(r"(?:\\.|[^\s\\])+", re.DOTALL)
_NAMED = re.compile(r"(?:-c|--)([\w.-]+)=(.*)", re.DOTALL)


def take_timeouts(keywords: dict[str, str]) -> None:
    """Moves the timeouts in `options` to keywords of their own. Raises SettingsError where one isn't a duration."""
    if "options" in keywords:
        words = _joined(_WORD.findall(keywords["options"]))
        taken: dict[str, str] = {}
        left = [word for word in words if not _take(word, taken)]
        # Of a timeout given twice in `options` the server takes the last; a separate parameter is nearer.
        for key, text in taken.items():
            keywords.setdefault(key, text)
        if len(left) < len(words):
            keywords["options"] = " ".join(left)
            if not left:
                del keywords["options"]
    for key in TIMEOUTS:
        if key in keywords:
            seconds(key, keywords[key])


def seconds(key: str, text: str) -> float:
    """Returns a timeout in seconds, read as the server does: a bare number is in milliseconds, 0 is no limit.

    Raises SettingsError where it isn't a duration.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) *(us|ms|s|min|h|d)?", text.strip())
    if found is None:
        raise SettingsError(f"{key} isn't a duration", hint=f"write {key}=5s, or {key}=5000 for milliseconds")
    return float(found[1]) * _UNITS[found[2] or ""]


def _joined(words: list[str]) -> list[str]:
    """Returns `-c` and what follows it as one word."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "-c":
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _take(word: str, taken: dict[str, str]) -> bool:
    named = _NAMED.fullmatch(word)
    if named is None or (key := named[1].replace("-", "_").lower()) not in TIMEOUTS:
        return False
    taken[key] = re.sub(r"\\(.)", r"\1", named[2], flags=re.DOTALL)
    return True
