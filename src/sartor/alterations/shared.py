"""Scripts that are read once for many destinations: those of which it is known what they send.

A Python module is loaded for each destination: it may keep something in its names.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from sartor.alterations.script import Condition, Fragment, Script, Sender
from sartor.domain.alteration import Alteration

MOST = 8 << 20
"""The most characters of scripts that are kept; others are read for each destination."""


class _Shared:
    """The scripts that were read, by the alteration, which has the checksum of its file."""

    def __init__(self) -> None:
        self.scripts: dict[Alteration, Script] = {}
        self.size = 0

    def keep(self, script: Script) -> None:
        if _is_known(script) and self.size + len(script.source) <= MOST:
            self.scripts[script.alteration] = script
            self.size += len(script.source)


_SHARED: ContextVar[_Shared | None] = ContextVar("_SHARED", default=None)


@contextmanager
def sharing_scripts() -> Iterator[None]:
    """Reads each script once while the block lasts, in its tasks too. All destinations get what was read first."""
    token = _SHARED.set(_SHARED.get() or _Shared())
    try:
        yield
    finally:
        _SHARED.reset(token)


def load_shared(alteration: Alteration, load: Callable[[Alteration], Script]) -> Script:
    """Returns a script, which `load` reads where scripts aren't shared or this one isn't read yet."""
    if (shared := _SHARED.get()) is None:
        return load(alteration)
    if (known := shared.scripts.get(alteration)) is not None:
        return _for_one(known)
    script = load(alteration)
    shared.keep(script)
    return script


def _is_known(script: Script) -> bool:
    """Returns whether all that a script sends is known, and no data of a file is sent with it."""
    if script.bodies.keys() != script.fragments.keys() or script.before.keys() != script.fragments_before.keys():
        return False
    if any(condition.query is None for condition in (*script.requires, *script.ensures)):
        return False
    every = (*script.fragments.values(), *script.fragments_before.values())
    return not any(fragment.rows for fragments in every for fragment in fragments)


def _for_one(script: Script) -> Script:
    """Returns a script that sends by itself: which statement is under way differs from destination to destination."""
    sender = Sender(script.alteration.file)

    def again(condition: Condition, query: Fragment | None) -> Condition:
        if query is None:
            return condition
        return sender.condition(condition.part, condition.words, query, first=condition.first)

    return replace(
        script,
        bodies=sender.bodies(script.fragments),
        before=sender.bodies(script.fragments_before),
        requires=tuple(again(each, each.query) for each in script.requires),
        ensures=tuple(again(each, each.query) for each in script.ensures),
        locate=sender.locate,
    )
