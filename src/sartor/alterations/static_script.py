"""Makes scripts whose SQL is known before they run: their bodies send it piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sartor.alterations.script import Body, Fragment, Locate, Place, Script
from sartor.domain.alteration import Alteration
from sartor.domain.context import Context
from sartor.domain.plan import Direction


def static_script(
    alteration: Alteration,
    fragments: Mapping[Direction, tuple[Fragment, ...]],
    *,
    transactional: bool,
    irreversible: str | None,
    source: str,
) -> Script:
    """Returns a script that sends these fragments, each as one message."""
    under_way: list[Fragment] = []
    return Script(
        alteration=alteration,
        bodies={direction: _body(pieces, under_way) for direction, pieces in fragments.items()},
        fragments=fragments,
        transactional=transactional,
        irreversible=irreversible,
        locate=_locate(alteration.file, under_way),
        source=source,
    )


def static_body(file: str, fragments: Iterable[Fragment]) -> tuple[Body, Locate]:
    """Returns a body that sends these fragments of a file, and a function that locates its errors in the file."""
    under_way: list[Fragment] = []
    return _body(tuple(fragments), under_way), _locate(file, under_way)


def _locate(file: str, under_way: Sequence[Fragment]) -> Locate:
    def locate(error: BaseException) -> Place | None:
        # The driver's error has no file.
        return (file, under_way[0].line_of(error)) if under_way else None

    return locate


def _body(fragments: tuple[Fragment, ...], under_way: list[Fragment]) -> Body:
    async def body(conn: Any, _context: Context) -> None:
        for fragment in fragments:
            under_way[:] = [fragment]
            if fragment.rows is None:
                await conn.execute(fragment.text)
            else:
                await conn.copy_rows(fragment.text, fragment.rows)
        under_way.clear()

    return body
