"""Keeps what others gave while one command runs: it loads its settings several times, and a stream is read once."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_kept: list[dict[Hashable, Any]] = []


@contextmanager
def asked_once() -> Iterator[None]:
    """Asks each provider once, and reads each list once, while the block runs, however often settings are loaded."""
    _kept.append({})
    try:
        yield
    finally:
        _kept.pop()


def once(key: Hashable, make: Callable[[], T]) -> T:
    """Returns what `make` does; within `asked_once`, what it did for this key before."""
    kept = _kept[-1] if _kept else {}
    if key not in kept:
        kept[key] = make()
    found: T = kept[key]
    return found
